import time
import pytest
from support.sessions import *
from support import oracle

def two(stage):
    w = stage.world; w.canon(); v = w.text_version(); a = w.audio_version()
    stage.rest()
    return v, a

def test_timing(stage):
    two(stage)
    for _ in range(8):
        t=time.time(); stage.check(); print("check", time.time()-t)
        t=time.time(); stage.drain(); print("drain", time.time()-t)

def test_bug2_order(stage):
    v, a = two(stage)
    w, c = stage.session("w"), stage.session("c")
    c.begin(); w.begin()
    c.run("update verses set chapter_id='gen-2', verse_number=9 where id='gen-1-3'")
    w.run("insert into verse_texts (text_version_id, verse_id, verse_text) values (%s,'gen-1-3','x')",[v])
    c.commit(); stage.drain(); stage.drain()
    w.commit(); stage.check(); stage.rest()

def test_bug1_rr(stage):
    v, a = two(stage)
    w, c = stage.session("w"), stage.session("c")
    w.begin("repeatable read"); w.run("select 1 from verses")
    c.run("update verses set chapter_id='gen-2', verse_number=9 where id='gen-1-3'")
    stage.drain(); stage.drain()
    w.run("insert into verse_texts (text_version_id, verse_id, verse_text) values (%s,'gen-1-3','x')",[v])
    stage.drain()
    w.commit(); stage.check(); stage.rest()

def test_bug3_delete(stage):
    v, a = two(stage)
    f = stage.world.recording(a, chapter="gen-1"); stage.world.timings(f, ["gen-2-1"]); stage.rest()
    t, d = stage.session("t"), stage.session("d")
    t.begin(); t.run("update media_files_verses set verse_id='exod-1-1'")
    d.begin(); d.start("delete from media_files"); assert_blocked(d, by=t)
    t.commit(); d.finish(); stage.drain(); stage.drain()
    d.commit(); stage.check(); stage.rest()
