"""Networks over what other networks say of the same items; a line here puts a file's fusions in the registry."""

from models.fusion import attention as attention
from models.fusion import concat as concat
from models.fusion import gated as gated
from models.fusion import late as late
from models.fusion import mamil as mamil
from models.fusion import modules as modules
from models.fusion import svm as svm
