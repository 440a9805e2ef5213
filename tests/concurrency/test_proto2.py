import time
from support.sessions import *
from support import oracle
from psycopg import IsolationLevel

def test_timing(stage):
    w = stage.world; w.canon(); v = w.text_version(); a = w.audio_version()
    stage.rest()
    c = stage.checker
    for th in (5, 0):
      c.prepare_threshold = th
      for i in range(8):
        t=time.time()
        c.execute("begin isolation level repeatable read")
        t1=time.time()
        d=oracle.differences(c, clean_only=True); t2=time.time(); e=oracle.inexact(c)
        t3=time.time()
        c.execute("commit")
        print("check", th, t2-t1, t3-t2)
    c.execute("begin")
    for level, exact, live in oracle._EXACT:
        for q in (f"{exact} except all {live}", f"{live} except all {exact}"):
            t=time.time()
            r = c.execute("explain (analyze, summary) "+q).fetchall()
            print(level, r[-2:], time.time()-t)
    c.execute("rollback")
    o = stage.observer
    for i in range(6):
        w.text(v, ["gen-1-1"]); 
        t=time.time(); o.execute("select progress.drain_version('text', %s)", [v]); print("drain", time.time()-t)
        o.execute("delete from verse_texts")
        t=time.time(); oracle.drain(o); print("odrain", time.time()-t)
