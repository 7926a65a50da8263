import sys

try:
    import TopCmds
except ImportError:
    TopCmds = None


def say(text):
    sys.stdout.write(text + "\n")


def stop(text):
    if TopCmds is not None:
        TopCmds.MSG(text)
    raise SystemExit(text)


def data_set():
    found = TopCmds.CURDATA()
    if not found:
        stop("open a data set first: its power limits, probe and solvent are kept")
    return list(found)


def dry():
    for name, rows, parameters in EXPERIMENTS:
        say("# " + name)
        for key, value in parameters:
            say(key + " = " + value)


def put(rows, parameters):
    if rows > 1 and TopCmds.GETPAR("PARMODE").strip() not in ("1", "2D"):
        stop("the experiment has %d rows: open a data set of two dimensions first" % rows)
    for key, value in parameters:
        TopCmds.PUTPAR(key, value)


def put_all():
    opened = data_set()
    if len(EXPERIMENTS) == 1:
        put(EXPERIMENTS[0][1], EXPERIMENTS[0][2])
        TopCmds.MSG("parameters are set: check the powers in `ased`, then `expt`, `rga`, `zg`")
        return
    said = []
    for k, (name, rows, parameters) in enumerate(EXPERIMENTS):
        own = [opened[0], str(int(opened[1]) + 1 + k)] + opened[2:]
        TopCmds.RE(opened)
        TopCmds.WR(own, "n")
        TopCmds.RE(own)
        put(rows, parameters)
        said.append(own[1] + " is " + name)
    TopCmds.RE(opened)
    TopCmds.MSG("experiments are created: " + ", ".join(said))


def collect(folder):
    import os
    import shutil
    opened = data_set()
    for k, (name, rows, parameters) in enumerate(EXPERIMENTS):
        own = os.path.join(opened[3], opened[0], str(int(opened[1]) + 1 + k))
        target = os.path.join(folder, *name.split("/"))
        parts = [p for p in ("fid", "ser", "acqus", "acqu2s") if os.path.exists(os.path.join(own, p))]
        if "acqus" not in parts or not ("fid" in parts or "ser" in parts):
            stop(own + " holds no data: run this experiment first")
        if os.path.exists(target):
            stop(target + " exists")
        os.makedirs(target)
        for part in parts:
            shutil.copy(os.path.join(own, part), os.path.join(target, part))
    TopCmds.MSG("copied to " + folder)


arguments = sys.argv[1:]
if "--dry" in arguments:
    dry()
elif TopCmds is None:
    say("# this is not TopSpin: what would be set is")
    dry()
elif "--collect" in arguments and arguments[-1] != "--collect":
    collect(arguments[-1])
else:
    put_all()
