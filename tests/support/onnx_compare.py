"""ONNX Runtime's outputs beside kin's: for each NAME.onnx in a folder its output on NAME.x.npy, against NAME.y.npy.

    python tests/support/onnx_compare.py FOLDER [TOLERANCE]

Prints NAME, "ok" or "differs", and the largest difference relative to the largest number. An output that is the same for all inputs, or
nearly, differs by definition: it would hide what is wrong before it."""
import pathlib, sys
import numpy, onnxruntime

folder, tolerance = pathlib.Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e-5
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
for path in sorted(folder.glob("*.onnx")):
    name = path.stem
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        x, y = (numpy.load(folder / f"{name}.{k}.npy") for k in "xy")
        out = session.run(["output"], {"input": x})[0]
        worst = float(abs(out - y).max() / abs(y).max()) if out.shape == y.shape else f"shape {out.shape}, not {y.shape}"
        varies = float(numpy.std(y, axis=0).max() / abs(y).max()) if len(y) > 1 else 1
        if not varies > 1e-3: worst = f"the output hardly depends on the input: its deviation is {varies:.1e} of the largest number"
    except Exception as e:
        worst = str(e).replace("\n", " ")[:300]
    print(name, "ok" if not isinstance(worst, str) and worst <= tolerance else "differs", worst)
