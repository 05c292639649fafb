"""A short run of tiny training, alone or as one of torchrun's workers: `worker_run.py DATA OUT [option=value ...]`.

The losses of all steps go to OUT/losses.json. Nothing is compiled, and few crops are drawn to start from. With die=N
the last worker ends without a word before its step N.
"""

import json
import os
import sys
from pathlib import Path

import torch

from snncodec.errors import SnncodecError
from snncodec.training import first_model, trainer
from snncodec.training.options import TrainOptions

torch.set_num_threads(1)
trainer.compile_neurons, trainer.TABLE_CROPS, first_model.START_CROPS = (lambda: True), 3, 12
data, out, *changes = sys.argv[1:]
given = dict(change.split("=") for change in changes)
die = int(given.pop("die", -1))
options = {"steps": int(given.get("steps", 6)), "resume": Path(given["resume"]) if "resume" in given else None}
losses, step = [], trainer.Trainer._step


def watched_step(self, *arguments):
    if len(losses) == die and self.workers.rank == self.workers.count - 1:
        os._exit(9)
    losses.append(step(self, *arguments)[0])
    return losses[-1], 0.0, 0.0


trainer.Trainer._step = watched_step
run = TrainOptions([Path(data)], preset="tiny", crop=64, stages=("prior", "stereo"), out=Path(out), **options)
try:
    trainer.train(run, lambda line: sys.stderr.write(line + "\n"))
except SnncodecError as error:
    sys.exit(f"snncodec: {error}")
if os.environ.get("RANK", "0") == "0":
    Path(out, "losses.json").write_text(json.dumps(losses))
