"""Configs and the finding of algorithms: text and files in, frozen and checked values out."""
