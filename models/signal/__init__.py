"""Networks that see the leads over time; a line here puts a file's networks in the registry."""

from models.signal import attention_pooled as attention_pooled
from models.signal import beat_recurrent as beat_recurrent
from models.signal import beat_sequences as beat_sequences
from models.signal import compact_transformer as compact_transformer
from models.signal import convnext1d as convnext1d
from models.signal import convolutional_recurrent as convolutional_recurrent
from models.signal import ecgnet as ecgnet
from models.signal import ecgtransform as ecgtransform
from models.signal import fcn as fcn
from models.signal import heartbeat as heartbeat
from models.signal import im_ecg as im_ecg
from models.signal import inception1d as inception1d
from models.signal import lightconv_transformer as lightconv_transformer
from models.signal import mina as mina
from models.signal import mobilenet1d as mobilenet1d
from models.signal import mvms as mvms
from models.signal import patch_transformer as patch_transformer
from models.signal import pooled_recurrent as pooled_recurrent
from models.signal import recurrent as recurrent
from models.signal import resnet1d as resnet1d
from models.signal import rhythm as rhythm
from models.signal import rhythm_convolutional as rhythm_convolutional
from models.signal import s4d as s4d
from models.signal import se_ecgnet as se_ecgnet
from models.signal import vision_resnet1d as vision_resnet1d
from models.signal import xresnet1d as xresnet1d
