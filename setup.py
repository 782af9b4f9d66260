"""ament_python package: dap_ros (the node), dap_core (depth from panoramas), training (the model's training)."""

from glob import glob

from setuptools import find_packages, setup

# ROS 2 itself comes from the distribution on a robot; these are the same packages as PyPI wheels.
ROS_WHEELS = [
    "ros-rclpy[fastrtps]",
    "ros-sensor-msgs",
    "ros-std-msgs",
    "ros-std-srvs",
    "ros-geometry-msgs",
    "ros-nav-msgs",
    "ros-diagnostic-msgs",
    "ros-lifecycle-msgs",
    "ros-stereo-msgs",
]
EXPORT = ["onnx", "onnxscript"]
TRAIN = ["torch", "safetensors", "lightning", "warp-lang", "tensorboard"]

setup(
    name="dap_ros",
    version="0.1.0",
    description="Metric depth all around a robot from one 360-degree camera, for ROS 2",
    license="Apache-2.0",
    author="The dap_ros authors",
    maintainer="The dap_ros authors",
    maintainer_email="dap_ros@users.noreply.github.com",
    python_requires=">=3.10",
    packages=find_packages(include=["dap_core*", "dap_ros*", "training*"]),
    package_data={"dap_core": ["models/*"], "dap_ros": ["data/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/dap_ros"]),
        ("share/dap_ros", ["package.xml"]),
        ("share/dap_ros/launch", glob("launch/*.py")),
        ("share/dap_ros/config", glob("config/*.yaml") + glob("config/*.xml")),
        (
            "share/dap_ros/config/examples",
            glob("config/examples/*.yaml") + glob("config/examples/*.launch.py") + glob("config/examples/*.json"),
        ),
        # `dap train --config mini` finds these by name, see training/recipe.py.
        ("share/dap_ros/config/training", glob("config/training/*.yaml")),
        ("share/dap_ros/config/training/mini", glob("config/training/mini/*.yaml")),
        ("share/dap_ros/config/training/h20", glob("config/training/h20/*.yaml")),
        ("share/dap_ros/rviz", glob("rviz/*.rviz")),
    ],
    install_requires=[
        "setuptools",
        "numpy",
        "opencv-python-headless",
        "onnxruntime",
        "PyYAML",
        "rich",
        "matplotlib",
        "rosbags",
        "transforms3d",
    ],
    extras_require={
        "ros-wheels": ROS_WHEELS,
        "openvino": ["openvino"],
        # On a Jetson TensorRT comes with JetPack, whose driver takes cuda-python up to 12. Elsewhere TensorRT's newest
        # is for CUDA 13; for an older driver: pip install tensorrt-cu12 'cuda-python<13' onnx.
        "tensorrt": [
            "tensorrt>=10.3,<12; platform_machine == 'x86_64'",
            "cuda-python>=12.6,<14; platform_machine == 'x86_64'",
            "cuda-python>=12.6,<13; platform_machine != 'x86_64'",
            "onnx",
        ],
        "eval": ["OpenEXR"],  # OpenCV's wheels read no EXR, which is what Matterport3D's depth comes in
        "torch": ["torch", "safetensors"],
        "export": ["torch", "safetensors", *EXPORT],
        "train": [*TRAIN, *EXPORT],
        "test": [
            *TRAIN,
            *EXPORT,
            "OpenEXR",
            "mcap",
            "openvino",
            "transformers",
            "pybind11-stubgen",
            "pytest",
            "pytest-timeout",
            "hypothesis",
            "ruff",
            "mypy",
            "types-PyYAML",
            "colcon-core",
            "colcon-ros",
            "colcon-package-selection",
            "colcon-python-setup-py",
        ],
    },
    entry_points={
        "console_scripts": [
            "dap = dap_core.cli:main",
            "depth_node = dap_ros.depth_node:main",
            "synthetic_camera = dap_ros.synthetic_camera:main",
        ],
        "dap.commands": [
            "bag = dap_core.commands.bag",
            "bench = dap_core.commands.bench",
            "parameters = dap_ros.commands.parameters",
            "infer = dap_core.commands.infer",
            "eval = dap_core.commands.eval",
            "mask = dap_core.commands.mask",
            "doctor = dap_core.commands.doctor",
            "convert = dap_core.commands.convert",
            "export = dap_core.commands.export",
            "demo = dap_ros.commands.demo",
            "worlds = training.commands.worlds",
            "data = training.commands.data",
            "train = training.commands.train",
            "pseudo = training.commands.pseudo",
            "card = training.commands.card",
        ],
    },
    zip_safe=False,
)
