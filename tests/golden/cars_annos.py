"""MAT-files as scipy writes them, in the form of Cars-196's cars_annos.mat, packed and not, and one of the other byte order by
hand. Writes cars_annos.mat, cars_annos_plain.mat, big_endian.mat.   python3 tests/golden/cars_annos.py"""
import os
import struct

import numpy as np
from scipy.io import savemat

folder = os.path.dirname(os.path.abspath(__file__))
fields = ["relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test"]


def annotations(pairs):
    a = np.zeros((1, len(pairs)), dtype=[(f, object) for f in fields])
    for i, (label, test) in enumerate(pairs):
        values = [f"car_ims/{i + 1:06d}.jpg", np.uint8(1 + i % 3), 2.0, np.uint16(300 + i), np.int32(6), np.uint8(label), np.uint8(test)]
        for f, v in zip(fields, values):
            a[0, i][f] = v
    return a


names = np.empty((1, 100), dtype=object)
for c in range(100):
    names[0, c] = f"Maker {100 - c} Café Coupe" if c == 97 else f"Maker {100 - c}"
pairs = [(label, i) for label in (1, 2, 97, 98, 99, 100) for i in (0, 1)]
content = {"annotations": annotations(pairs), "class_names": names, "ignored": np.arange(6.0).reshape(2, 3)}
savemat(os.path.join(folder, "cars_annos.mat"), content, do_compression=True)
content["class_names"] = names[:, :2]
content["annotations"] = annotations([(1, 0), (2, 1)])
savemat(os.path.join(folder, "cars_annos_plain.mat"), content, do_compression=False)


def element(kind, data):
    return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def array(kind, name, dims, data):
    body = element(6, struct.pack(">II", kind, 0)) + element(5, struct.pack(f">{len(dims)}i", *dims)) + element(1, name.encode()) + data
    return element(14, body)


with open(os.path.join(folder, "big_endian.mat"), "wb") as f:
    f.write(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI")
    f.write(array(6, "numbers", (1, 3), element(9, struct.pack(">3d", 1.5, -2, 1e300))))
    f.write(array(12, "small", (1, 1), struct.pack(">HHhxx", 2, 3, -7)))
    f.write(array(4, "text", (1, 2), element(17, "né".encode("utf-16-be"))))
