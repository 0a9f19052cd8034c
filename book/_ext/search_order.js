// What a search finds: chapters and the glossary before functions that have the word in their names.
var Scorer = {
  score: ([page, , , , score]) => {
    if (page.startsWith("chapters/") || page === "appendix/glossary") return score + 40;
    return page.startsWith("appendix/api") ? score - 30 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 5, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
