"""How often comparisons and searches are wrong: error rates by ISO/IEC 19795-1.

Terms are those of ISO/IEC 2382-37: a probe is compared with a reference; the comparison is mated if
both are of one person. Scores are similarities: a comparison matches from the threshold on.
"""
