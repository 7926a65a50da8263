// The language as trees of words and brackets: enough to colour, fold and select. What words there are is told by words.json, which comes
// from the language's own tables.

const { keywords } = require("./words.json");

module.exports = grammar({
  name: "ergoseq",
  extras: ($) => [/\s/, $.comment],
  word: ($) => $.identifier,
  rules: {
    source_file: ($) => repeat($._part),
    _part: ($) =>
      choice($.block, $.group, $.index, $.keyword, $.nucleus, $.quantity, $.number, $.string, $.call, $.identifier, $.sign),
    block: ($) => seq("{", repeat($._part), "}"),
    group: ($) => seq("(", repeat($._part), ")"),
    index: ($) => seq("[", repeat($._part), "]"),
    call: ($) => prec(1, seq(field("name", $.identifier), $.group)),
    keyword: () => choice(...keywords),
    quantity: ($) => prec(2, seq($.number, $.unit)),
    unit: () => choice(...require("./words.json").units),
    // A nucleus has no blank between its number and its letters: 13C.
    nucleus: () => token(prec(2, /[0-9]+(H|[A-Z][a-z]?)/)),
    number: () => token(prec(1, /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/)),
    string: () => /"[^"\n]*"/,
    identifier: () => /[\p{L}_][\p{L}\p{N}_]*/u,
    sign: () => choice("+", "-", "*", "/", "^", "=", ":", ",", "..", ".", "|"),
    comment: () => /#[^\n]*/,
  },
});
