"""A library to look at: real texts and recordings, and somebody who goes on translating."""
