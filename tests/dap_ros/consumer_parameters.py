"""Parameters that the consumers of config/examples declare, each with the type of its value.

None of them is on PyPI, so that these are facts kept here, read from Nav2's jazzy branch (1.3; kilted's adds
tf_filter_tolerance), STVL 2.2, rtabmap_ros's jazzy-devel (0.22), isaac_ros_nvblox 4.3 and slam_toolbox 2.7. A parameter
that no table has is a misspelt one, which a consumer takes without a word.
"""

from __future__ import annotations

from typing import Any

_SOURCE = {
    "topic": str, "sensor_frame": str, "observation_persistence": float, "expected_update_rate": float,
    "data_type": str, "min_obstacle_height": float, "max_obstacle_height": float, "inf_is_valid": bool,
    "marking": bool, "clearing": bool,
}  # fmt: skip
NAV2_SOURCE = _SOURCE | {
    "obstacle_max_range": float, "obstacle_min_range": float, "raytrace_max_range": float, "raytrace_min_range": float,
}  # fmt: skip
STVL_SOURCE = _SOURCE | {
    "obstacle_range": float, "min_z": float, "max_z": float, "vertical_fov_angle": float,
    "vertical_fov_padding": float, "horizontal_fov_angle": float, "decay_acceleration": float, "filter": str,
    "voxel_min_points": int, "clear_after_reading": bool, "enabled": bool, "model_type": int,
}  # fmt: skip
_OBSTACLE = {
    "plugin": str, "enabled": bool, "footprint_clearing_enabled": bool, "min_obstacle_height": float,
    "max_obstacle_height": float, "combination_method": int, "observation_sources": str,
}  # fmt: skip
LAYERS = {
    "nav2_costmap_2d::ObstacleLayer": _OBSTACLE,
    "nav2_costmap_2d::VoxelLayer": _OBSTACLE | {
        "z_voxels": int, "origin_z": float, "z_resolution": float, "unknown_threshold": int, "mark_threshold": int,
        "publish_voxel_map": bool,
    },
    "spatio_temporal_voxel_layer/SpatioTemporalVoxelLayer": {
        "plugin": str, "enabled": bool, "observation_sources": str, "transform_tolerance": float,
        "publish_voxel_map": bool, "voxel_size": float, "combination_method": int, "mark_threshold": int,
        "update_footprint_enabled": bool, "track_unknown_space": bool, "decay_model": int, "voxel_decay": float,
        "mapping_mode": bool, "map_save_duration": float,
    },
    "nav2_costmap_2d::InflationLayer": {
        "plugin": str, "enabled": bool, "inflation_radius": float, "cost_scaling_factor": float,
        "inflate_unknown": bool, "inflate_around_unknown": bool,
    },
}  # fmt: skip
COSTMAP = {
    "global_frame": str, "robot_base_frame": str, "rolling_window": bool, "width": int, "height": int,
    "resolution": float, "robot_radius": float, "footprint": str, "footprint_padding": float,
    "update_frequency": float, "publish_frequency": float, "plugins": list, "filters": list,
    "track_unknown_space": bool, "transform_tolerance": float, "always_send_full_costmap": bool,
}  # fmt: skip
MONITOR = {
    "base_frame_id": str, "odom_frame_id": str, "cmd_vel_in_topic": str, "cmd_vel_out_topic": str, "state_topic": str,
    "transform_tolerance": float, "source_timeout": float, "base_shift_correction": bool, "stop_pub_timeout": float,
    "use_realtime_priority": bool, "polygons": list, "observation_sources": list,
}  # fmt: skip
MONITOR_POLYGON = {
    "type": str, "action_type": str, "radius": float, "points": str, "min_points": int, "slowdown_ratio": float,
    "linear_limit": float, "angular_limit": float, "time_before_collision": float, "simulation_time_step": float,
    "visualize": bool, "enabled": bool, "polygon_pub_topic": str, "polygon_sub_topic": str, "footprint_topic": str,
    "polygon_subscribe_transient_local": bool, "sources_names": list,
}  # fmt: skip
_MONITOR_SOURCE = {"type": str, "topic": str, "enabled": bool, "source_timeout": float}
MONITOR_SOURCES = {
    "scan": _MONITOR_SOURCE,
    "pointcloud": _MONITOR_SOURCE
    | {"min_height": float, "max_height": float, "min_range": float, "use_global_height": bool},
}
SLAM_TOOLBOX = {
    "mode": str, "odom_frame": str, "map_frame": str, "base_frame": str, "scan_topic": str, "scan_queue_size": int,
    "max_laser_range": float, "resolution": float, "map_update_interval": float, "minimum_time_interval": float,
    "minimum_travel_distance": float, "minimum_travel_heading": float, "transform_timeout": float,
    "transform_publish_period": float,
}  # fmt: skip
RTABMAP = {
    "rgbd_sync": {"approx_sync": bool, "approx_sync_max_interval": float, "sync_queue_size": int,
                  "topic_queue_size": int, "qos": int},
    "rgbdx_sync": {"approx_sync": bool, "approx_sync_max_interval": float, "sync_queue_size": int,
                   "topic_queue_size": int, "qos": int, "rgbd_cameras": int},
    "rtabmap": {"frame_id": str, "odom_frame_id": str, "map_frame_id": str, "subscribe_depth": bool,
                "subscribe_rgb": bool, "subscribe_rgbd": bool, "rgbd_cameras": int, "wait_for_transform": float,
                "database_path": str, "Reg/Force3DoF": str, "Vis/EstimationType": str, "Kp/MaxDepth": str,
                "Vis/MaxDepth": str, "RGBD/CreateOccupancyGrid": str, "Grid/Sensor": str, "Grid/RangeMax": str},
}  # fmt: skip
NVBLOX = {
    "num_cameras": int, "use_depth": bool, "use_color": bool, "use_lidar": bool, "use_tf_transforms": bool,
    "global_frame": str, "map_clearing_frame_id": str, "map_clearing_radius_m": float, "input_qos": str,
    "voxel_size": float, "mapping_type": str, "esdf_mode": str,
    "static_mapper.projective_integrator_max_integration_distance_m": float,
}  # fmt: skip


def check(values: dict[str, Any], declared: dict[str, type], where: str) -> None:
    """Every key is declared, with a value of its type; rclcpp refuses an integer for a double."""
    for key, value in values.items():
        assert key in declared, f"{where} declares no {key}"
        assert type(value) is declared[key], f"{where}.{key} is a {declared[key].__name__}, got {value!r}"
