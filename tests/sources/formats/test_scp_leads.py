"""Numbers of leads: the twelve are those of the standard, and no two numbers share a name."""

import numpy as np
from binary_recordings import SCP_CODES, scp_leads

from pipeline.sources.formats.scp_leads import lead_name, leads_of


def test_the_twelve_leads():
    assert {lead: lead_name(code, 0) for lead, code in SCP_CODES.items()} == {lead: lead for lead in SCP_CODES}


def test_no_two_numbers_share_a_name():
    assert len({lead_name(code, 0) for code in range(256)}) == 256


def test_what_section_3_says():
    counts = {"V2": np.zeros(7), "aVR": np.zeros(7)}
    found = leads_of("f", scp_leads(counts, flags=5, first=11))
    assert (found.names, found.first, found.n_samples, found.lack_beats) == (("V2", "aVR"), 11, 7, True)
    assert not leads_of("f", scp_leads(counts, flags=4)).lack_beats
