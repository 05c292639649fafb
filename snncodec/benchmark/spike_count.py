"""The files of a benchmark come in; what the decoder's spikes did over all of them, and would cost, goes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snncodec.benchmark.energy import CONSTANTS, costs
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.spikes import Watch, decoder_networks, describe, quantised_bits
from snncodec.codec import Codec


class SpikeCount:
    """Counts spikes with a codec whose neurons do fire; InputError otherwise."""

    def __init__(self, codec: Codec) -> None:
        exact = codec.loaded.codec
        self.codec, self.watch = codec, Watch(decoder_networks(exact), exact.config.spiking)

    def add_to(self, result: BenchResult) -> BenchResult:
        """The result with `spikes`: of all pairs at the middle quality, whose files are decoded once more.

        A result that was interrupted is left as it is: whoever interrupts the measuring does not want to wait.
        """
        qualities = sorted({quality for _, quality in result.files})
        if result.interrupted or not qualities:
            return result
        quality = qualities[len(qualities) // 2]
        pictures = [picture for picture in result.pictures if (picture.label, quality) in result.files]
        for picture in pictures:
            with self.watch.counting():
                self.codec.decode(result.files[picture.label, quality])
        about = {"quality": quality, "pairs": len(pictures), "of_pairs": len(result.pictures)}
        return replace(result, spikes=about | self.describe(sum(picture.pixels for picture in pictures)))

    def describe(self, pixels: int) -> dict[str, Any]:
        """All that was counted, of so many pixels, in plain values that JSON can hold."""
        neuron, ran = self.watch.neuron, {t: n for t, n in self.watch.networks.items() if n.convolutions}
        networks = {title: describe(made) | {"per_pixel": costs([made], pixels)} for title, made in ran.items()}
        about = {"pixels": pixels, "neuron": neuron.kind, "time_steps": neuron.time_steps}
        about |= {"quantised_bits": quantised_bits(neuron), "constants": CONSTANTS}
        return about | {"networks": networks, "per_pixel": costs(ran.values(), pixels)}
