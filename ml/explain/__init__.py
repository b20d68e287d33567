"""Heatmap methods behind one small base class: `Explainer`; `methods` lists them by name.

`closed_form` is what the exported graph computes, in torch; `reference` is pytorch-grad-cam, for the parity tests and
the bench. Only those two need torch.
"""
