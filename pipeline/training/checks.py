"""Which options of ``train.py`` a network takes: what cannot work is refused, and so is what would do nothing."""

from models import ModelEntry, describe_model
from models.registry import in_collections
from pipeline.errors import EcgFusionError
from pipeline.runs.card import FUSIONS
from pipeline.training import defaults
from pipeline.training.distillation import check_teacher
from pipeline.training.options import FUSION_ONLY, NETWORK_OPTIONS, TrainOptions
from pipeline.training.transfer import check_init


def check_network(options: TrainOptions) -> None:
    """Refuses an unknown network, the options of other networks, and those of fusions."""
    entry = known_model(options.model or "")
    given = options.given
    for name in FUSION_ONLY:
        if name in given:
            raise EcgFusionError(
                f"-{name} is for fusions (-model late or intermediate), not {options.model}: leave it out"
            )
    if options.folds_seed is not None and options.kfold is None:
        raise EcgFusionError("-folds_seed says how -kfold deals the patients: give that too, or leave it out")
    check_init(options)
    check_teacher(options)
    for name in options.of_network(NETWORK_OPTIONS):
        if name not in entry.options:
            raise EcgFusionError(_not_taken(name, entry))


def _not_taken(name: str, entry: ModelEntry) -> str:
    typed = [option for option in NETWORK_OPTIONS if option in entry.options]
    by_set = [option for option in entry.options if option not in (*NETWORK_OPTIONS, "size")]
    taken = [*(f"-{option}" for option in typed), *(f"-set {option}=…" for option in by_set)]
    namesakes = in_collections(entry.name) if name == "pretrained" else []
    instead = f", or take -model {' or '.join(namesakes)}" if namesakes else ""
    return f"{entry.name} has no -{name}; it has {', '.join(taken) or 'none'}: leave -{name} out{instead}"


def known_model(name: str) -> ModelEntry:
    """The entry of a network; an unknown name is one sentence with the near ones, fusions among them."""
    try:
        return describe_model(name, beside=FUSIONS)
    except ValueError as problem:
        raise EcgFusionError(str(problem)) from None


def check_options(options: TrainOptions, modality: str) -> None:
    """No option is accepted and ignored."""
    given = options.given
    for name in ("representation", "on_the_fly", *options.of_images):
        if name in given and modality == "signal":
            raise EcgFusionError(f"-{name} is for networks on images, and {options.model} takes signals: leave it out")
    if options.normalise is not None and modality == "image":
        raise EcgFusionError(f"-normalise is for networks on signals, and {options.model} takes images: see -scale")
    check_momentum(options)
    if options.beat and (options.crop is not None or options.stride is not None):
        raise EcgFusionError("-beat shows one beat, of which nothing is cropped: leave it out, or -crop and -stride")
    for name in ("beat_channels", "beat_extent", "strip"):
        if name in given and not options.beat:
            raise EcgFusionError(f"-{name} is of the median beat: add -beat, or leave it out")
    representation = options.representation or ()
    if options.strip is not None and not {"lead_map", "leads"} & {*representation}:
        raise EcgFusionError(
            "-strip stands below the beats of a lead map: add -representation lead_map, or leave it out"
        )
    if (options.beat_channels or options.strip) and "lead_dropout" in (options.augment or ()):
        raise EcgFusionError(
            "-augment lead_dropout leaves out a lead's row, and -beat_channels and -strip show a lead in several: "
            "leave one of them out"
        )
    if len(representation) > 1 and {"lead_map", "leads"} & {*representation}:
        raise EcgFusionError("-representation lead_map is one image of all leads: give it alone, without others")
    if options.stride is not None and options.crop is None:
        raise EcgFusionError("-stride is the step between crops: give -crop too, or leave it out")


def check_momentum(options: TrainOptions) -> None:
    """Refuses a momentum that no optimizer would use."""
    if options.momentum is not None and (options.optimizer or defaults.OPTIMIZER) not in ("sgd", "sgdw"):
        raise EcgFusionError("-momentum is for -optimizer sgd or sgdw: give one of them too, or leave it out")
