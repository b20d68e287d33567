"""Heatmaps: every method subclasses `Explainer`; `methods` lists them by name.

`closed_form` is Grad-CAM as the exported graph computes it; `reference` is pytorch-grad-cam, for the parity tests and
the benchmark. Only those two need torch.
"""
