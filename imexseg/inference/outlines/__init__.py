"""Masks as outlines that a person can correct: traced, simplified, written as Labelme, COCO, YOLO and Pascal VOC have them."""
