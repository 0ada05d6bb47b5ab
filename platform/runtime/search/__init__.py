"""Quick search: the tokens a record is found by, and the condition that finds it.

A token is one of: a word (folded letters and digits), two neighbouring CJK characters (the last one alone as well),
`~` and the pinyin initials of a CJK run, `<` and the digits of a number from the last to the first. All of it is
matched by equality or by prefix, so an ordinary index answers: a word by how it begins, any CJK substring, the end of
a phone number, initials. Tokens carry their field, because `q` looks only into fields that the actor may read.
"""

from runtime.search.finding import frequent, predicate, query_params, query_shape
from runtime.search.tokens import index_values, text_tokens, tsvector_text

__all__ = ["frequent", "index_values", "predicate", "query_params", "query_shape", "text_tokens", "tsvector_text"]
