PART = "images"
def inputs(w): return "x"
def make(w, work, say): pass
