"""smoke.py TARGET SEEDS RUNS [libFuzzer options]: runs a fuzz target over its seeds and RUNS mutations of them, the same ones each time.

What it finds is left as a file in the current folder; its seed belongs beside the others once the bug is mended.
"""
import pathlib
import subprocess
import sys

target, folder, runs = sys.argv[1:4]
seeds = sorted(map(str, pathlib.Path(folder).iterdir()))
assert seeds, f"{folder} holds no seeds"
command = [target, f"-seed_inputs={','.join(seeds)}", f"-runs={int(runs) + len(seeds)}", "-seed=1", "-keep_seed=1", "-max_len=8192", "-timeout=20",
           "-rss_limit_mb=2048", "-print_final_stats=0", *sys.argv[4:]]
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", text=True)
print(done.stdout[-6000:])
sys.exit(done.returncode and 1)
