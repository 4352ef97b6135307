"""Networks that see images of the leads as channels; a line here puts a file's networks in the registry."""

from models.image import alexnet as alexnet
from models.image import cnn as cnn
from models.image import mobilenet as mobilenet
from models.image import rcnn as rcnn
from models.image import resnet as resnet
from models.image import torchvision_classifiers as torchvision_classifiers
from models.image import vgg as vgg
