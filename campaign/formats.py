"""What happens to files whose meaning is known. One line a format."""

from campaign.damage import Mutation
from campaign.mutate_annotations import change_an_annotation
from campaign.mutate_arrays import change_a_state, change_an_array, exchange_tensors
from campaign.mutate_hdf5 import (
    change_a_value_of_hdf5,
    change_an_attribute_of_hdf5,
    link_in_hdf5,
    remake_a_dataset_of_hdf5,
)
from campaign.mutate_tables import change_a_cell, change_a_token, move_a_column, move_a_row, save_a_table_otherwise
from campaign.mutate_trees import change_a_field

OF_FORMAT: dict[str, tuple[Mutation, ...]] = {
    ".csv": (change_a_cell, change_a_cell, change_a_cell, move_a_row, move_a_column, save_a_table_otherwise),
    ".json": (change_a_field,),
    ".hea": (change_a_token,),
    ".atr": (change_an_annotation,),
    ".toml": (change_a_token,),
    ".h5": (
        *(change_a_value_of_hdf5, change_a_value_of_hdf5, remake_a_dataset_of_hdf5),
        *(link_in_hdf5, change_an_attribute_of_hdf5),
    ),
    ".part": (change_a_value_of_hdf5, remake_a_dataset_of_hdf5, change_an_attribute_of_hdf5),
    ".npz": (change_an_array,),
    ".npy": (change_an_array,),
    ".mat": (change_an_array,),
    ".tsv": (change_a_token, save_a_table_otherwise),
    ".txt": (change_a_token,),
    ".safetensors": (exchange_tensors,),
    ".pt": (change_a_state,),
}
"""What may happen to a file of each ending. A new format is a line here."""
