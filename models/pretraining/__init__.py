"""What an encoder learns of recordings without their labels; a line here puts a file's method in the registry."""

from models.pretraining import clocs as clocs
from models.pretraining import cpc as cpc
from models.pretraining import jepa as jepa
from models.pretraining import st_mem as st_mem
