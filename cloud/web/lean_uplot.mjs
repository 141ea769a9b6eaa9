// uPlot without what no chart here has: a legend of its own, selecting and focusing by pointer, bars and
// splines, scales that are not linear, an x that stands upright, times in milliseconds and words for them.
// A third of a page's script is uPlot.
// Each pattern must be found, so that another version of uPlot is noticed when it is built.
import { readFileSync } from 'node:fs';

const parts = [
  [/^\s*\(paths\.(bars|spline)\s*=.*$/gm, ''],
  [/^\s*uPlot\.(assign|fmtNum|rangeNum|rangeLog|rangeAsinh|orient|join|fmtDate|tzDate|addGap|clipGaps)\s*=.*$/gm, ''],
  [/const showLegend = .*$/m, 'const showLegend = false;'],
  [/const cursorFocus = .*$/m, 'const cursorFocus = false;'],
  [/\bselect\.show\b/g, 'false'],
  [/\b(\w+(?:\.\w+)*\.distr|distr) == +(2|3|4|100)\b/g, 'false'],
  [/\bscaleX\.ori == 0\b/g, 'true'],
  [/\bscaleX\.ori == 1\b/g, 'false'],
  [/sc\.distr >= 3 && sc\.log == 10/, 'false'],
  [/\bms == 1\b/g, 'false'],
  [/const _fmtDate = .*$/m, ''],
  [/timeAxisVals\(_tzDate, timeAxisStamps\(.*\)\);$/m, 'null;'],
  [/const _timeSeriesVal\s*=.*$/m, 'const _timeSeriesVal = null;'],
  [/isStr\(sv\) \? .*? : sv/, 'sv'],
  [/timeAxisVals\(_tzDate, timeAxisStamps\(av, _fmtDate\)\)/, 'av'],
  [/timeAxisVal\(_tzDate, av\)/, 'av'],
];

const leaner = (text, [pattern, instead]) => {
  const changed = text.replace(pattern, instead);
  if (changed === text) throw new Error(`uPlot has no ${pattern} any more; see cloud/web/lean_uplot.mjs`);
  return changed;
};

export const lean_uplot = {
  name: 'lean-uplot',
  setup: (build) =>
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => ({
      contents: parts.reduce(leaner, readFileSync(path, 'utf8')),
      loader: 'js',
    })),
};
