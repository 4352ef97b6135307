"""Which samples of which lead moved the score of a class: seen on the trace, whatever the network has seen."""
