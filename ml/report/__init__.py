"""One page that shows how good a bundle is: every figure as a drawing, and its numbers in a table beneath it."""
