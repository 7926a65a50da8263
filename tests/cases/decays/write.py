"""Writes the files of this folder with nmrglue 0.12: `python write.py` in it.

The numbers of `counted` files are whole and follow a rule, which tests/decays repeats. The `peak` files are one decay that nmrglue converts
from its universal form, in which a higher shift is a higher frequency: a line of 13C at 30 ppm, received with a carrier of 20 ppm at
100 MHz and 10 kHz of sweep width, is at +1000 Hz.
"""
import os
import shutil

import nmrglue as ng
import numpy as np


def counted(rows, points):
    k = np.arange(rows * points).reshape(rows, points)
    return (k * 7 % 101 - 50) + 1j * (k * 13 % 97 - 48)


def universal(data, encodings):
    dic = ng.fileiobase.create_blank_udic(data.ndim)
    sizes = zip(data.shape, encodings)
    for k, (size, encoding) in enumerate(sizes):
        dic[k].update(size=size, complex=True, encoding=encoding, sw=10000.0, obs=100.0, car=2000.0, label="13C")
    return dic


def emptied(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write_bruker(path, data, dtypa, big, rows=None):
    acqus = {
        "_coreheader": ["##TITLE= nmrglue"],
        "_comments": [],
        "AQ_mod": 3, "BF1": 100.0, "BYTORDA": int(big), "DECIM": 24, "DIGMOD": 1, "DSPFVS": 12, "DTYPA": dtypa, "GRPDLY": -1,
        "NC": 0, "NUC1": "13C", "O1": 2000.0, "SFO1": 100.002, "SW_h": 10000.0, "TD": 2 * data.shape[-1],
    }
    dic = {"acqus": acqus}
    if rows:
        dic["acqu2s"] = {"_coreheader": ["##TITLE= nmrglue"], "_comments": [], "FnMODE": rows, "SW_h": 500.0, "TD": data.shape[0]}
    emptied(path)
    ng.bruker.write_jcamp(dic["acqus"], path + "/acqus", overwrite=True)
    if rows:
        ng.bruker.write_jcamp(dic["acqu2s"], path + "/acqu2s", overwrite=True)
    name = "/ser" if rows else "/fid"
    ng.bruker.write_binary(path + name, dic, data, big=big, isfloat=dtypa == 2, overwrite=True)


def write_varian(path, dic, data):
    ng.varian.write(emptied(path), dic, data.astype("complex64"), overwrite=True)
    # nmrglue's own parameters have neither of these, which every spectrometer writes.
    with open(path + "/procpar", "a") as f:
        f.write("sw 1 1 5 5 5 2 1 8203 1 64\n1 10000\n0\ntn 2 2 4 0 0 2 1 8 1 64\n1 \"C13\"\n0\n")


one, two = counted(1, 128)[0], counted(4, 128)
write_bruker("bruker_int_little", one, 0, False)
write_bruker("bruker_int_big", one, 0, True)
write_bruker("bruker_double_little", one, 2, False)
write_bruker("bruker_double_big", one, 2, True)
write_bruker("bruker_ser", two, 0, False, rows=1)
write_bruker("bruker_states", two, 0, True, rows=4)

for name, data in [("one", one), ("two", two)]:
    dic = universal(data, ["states"] * data.ndim)
    ng.pipe.write(f"pipe_{name}.fid", ng.pipe.create_dic(dic), data.astype("complex64"), overwrite=True)
    write_varian(f"varian_{name}", ng.varian.create_dic(dic), data)

t = np.arange(256) / 10000.0
line = 1000 * np.exp(2j * np.pi * 1000.0 * t - t / 0.01)
dic = universal(line, ["direct"])
for kind in ["pipe", "varian", "bruker"]:
    c = ng.convert.converter()
    c.from_universal(dic, line)
    kdic, data = getattr(c, "to_" + kind)()
    if kind == "pipe":
        ng.pipe.write("peak_pipe.fid", kdic, data, overwrite=True)
    elif kind == "varian":
        write_varian("peak_varian", kdic, data)
    else:
        write_bruker("peak_bruker", data, 2, False)
