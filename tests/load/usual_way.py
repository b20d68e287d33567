"""The usual way, as a yardstick only: torch and pytorch-grad-cam inside the request.

The same network and the same work per image: decode, probability, heatmap. It has no accounts, stores nothing and
checks nothing. ``MAPS=all`` draws a heatmap for each target, as our engine does; otherwise only that of BCC.
"""

import io
import os

import torch
from flask import Flask, Response, request

from ml.bundle import Bundle
from ml.card import Place
from ml.explain.reference import ReferenceGradCam
from ml.imaging.decoding import decode
from ml.imaging.preprocessing import prepare
from ml.patterns import Lesion
from ml.results import Heatmap
from ml.training.recipe.graph import read_network

torch.set_num_threads(1)  # one process per core: measured faster than fewer processes with more threads

app = Flask(__name__)
bundle = Bundle.load()
network = read_network(bundle)
grad_cam = ReferenceGradCam(network)
bcc, kinds = bundle.card.lesions.index(Lesion.BCC), len(bundle.card.lesions)
# pytorch-grad-cam explains the lesion types; as many passes as our engine has maps.
targets = [(bcc + k) % kinds for k in range(len(bundle.card.targets) if os.environ.get("MAPS") == "all" else 1)]


@app.get("/healthz")
def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/predict")
def predict() -> Response:
    image = decode(request.files["image"].read())
    inputs = torch.from_numpy(prepare(image, bundle.card.preprocessing)[None])
    with torch.no_grad():
        probability = torch.sigmoid(network(inputs).bcc[0]).item()
    maps = [grad_cam.heatmaps(inputs, target)[0].numpy() for target in targets]
    pngs = [Heatmap(each, Place(1.0, 0.0)).to_png() or b"" for each in maps]
    body = io.BytesIO(b"".join(pngs))
    return Response(body.getvalue(), mimetype="image/png", headers={"X-Probability": f"{probability:.4f}"})
