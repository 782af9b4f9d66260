"""Fisheye lenses: their models, a camera's calibration, and its frames as equirectangular panoramas."""

from dap_core.lenses.calibration import CameraCalibration, Lens
from dap_core.lenses.double_sphere import DoubleSphere
from dap_core.lenses.kannala_brandt import KannalaBrandt
from dap_core.lenses.mei import Mei
from dap_core.lenses.model import LensModel
from dap_core.lenses.remapper import Remapper

__all__ = ["CameraCalibration", "DoubleSphere", "KannalaBrandt", "Lens", "LensModel", "Mei", "Remapper"]
