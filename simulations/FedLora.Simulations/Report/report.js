'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const colours = ['#1f5fa8', '#b3441e', '#2f7d32', '#7a3fa0', '#8a6d00', '#007a87', '#a8326e', '#555555'];
  const colour = i => colours[i % colours.length];
  const make = (tag, text, parent) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (parent) parent.append(e); return e; };
  const number = (value, digits) => value === null || value === undefined ? '-' : value.toFixed(digits);
  const estimate = (e, scale, digits) => e.mean === null ? '-' : (e.mean * scale).toFixed(digits) + (e.half === null ? '' : ' ± ' + (e.half * scale).toFixed(digits));
  // Never less than was spent: the last digit is rounded up, as in the command's own table.
  const atMost = value => {
    const scale = value > 0 && value < 0.01 ? 10 ** (3 - Math.floor(Math.log10(value))) : 100;
    return String(Math.ceil(+(value * scale).toPrecision(15)) / scale);
  };
  const epsilon = e => e.mean === null ? '-' : atMost(e.mean) + (e.half === null ? '' : ' ± ' + atMost(e.half));

  const table = make('table', undefined, document.getElementById('table'));
  const head = make('tr', undefined, table);
  for (const name of ['', 'runs', 'accuracy, %', 'held-out loss', 'epsilon', 'MB in all', 'virtual minutes', 'aggregation error']) make('th', name, head);
  for (const row of data.comparison) {
    const line = make('tr', undefined, table);
    for (const text of [row.name, String(row.runs), estimate(row.accuracy, 100, 1), estimate(row.held_out_loss, 1, 3), epsilon(row.epsilon), estimate(row.bytes, 1e-6, 2),
      estimate(row.seconds, 1 / 60, 1), row.aggregation_error.mean === null ? '-' : row.aggregation_error.mean.toExponential(1)]) make('td', text, line);
  }

  // Mean over the seeds of a group, round by round, where a value is known.
  const groups = [...new Set(data.runs.map(run => run.group))];
  const curve = (group, x, y) => {
    const runs = data.runs.filter(run => run.group === group).map(run => run.rounds);
    const xs = [], ys = [];
    for (let i = 0; i < Math.max(...runs.map(rounds => rounds.length), 0); i++) {
      const at = runs.map(rounds => rounds[i]).filter(round => round && round[x] !== null && round[x] !== undefined && round[y] !== null && round[y] !== undefined);
      if (at.length === 0) continue;
      const next = at.reduce((sum, round) => sum + round[x], 0) / at.length;
      if (xs.length && next <= xs[xs.length - 1]) { ys[ys.length - 1] = at.reduce((sum, round) => sum + round[y], 0) / at.length; continue; }
      xs.push(next);
      ys.push(at.reduce((sum, round) => sum + round[y], 0) / at.length);
    }
    return [xs, ys];
  };
  const chart = (title, x, xLabel, y, scale, unit) => {
    const curves = groups.map(group => curve(group, x, y)).map(([xs, ys]) => [xs, ys.map(value => value * scale)]);
    const shown = groups.map((group, i) => i).filter(i => curves[i][0].length > 0);
    if (shown.length === 0) return;
    const box = make('section', undefined, document.getElementById('charts'));
    make('h2', title, box);
    const series = shown.map(i => ({ label: groups[i], stroke: colour(i), width: 2, spanGaps: true, points: { show: curves[i][0].length < 40 }, value: (u, v) => v === null || v === undefined ? '-' : v.toPrecision(4) }));
    new uPlot({ width: 480, height: 280, scales: { x: { time: false } }, axes: [{ label: xLabel }, { label: unit }], series: [{ label: xLabel }, ...series] }, uPlot.join(shown.map(i => curves[i])), box);
  };
  for (const run of data.runs) for (const round of run.rounds) round.megabytes = round.bytes_total / 1e6;
  chart('Accuracy over rounds', 'round', 'round', 'accuracy', 100, '%');
  chart('Held-out loss over rounds', 'round', 'round', 'held_out_loss', 1, 'nats');
  chart('Accuracy over bytes', 'megabytes', 'MB in all', 'accuracy', 100, '%');
  chart('Accuracy over epsilon', 'epsilon', 'epsilon', 'accuracy', 100, '%');
  chart('Accuracy over virtual time', 'seconds', 's', 'accuracy', 100, '%');
  chart('Aggregation error over rounds', 'round', 'round', 'aggregation_error', 1, 'relative');

  const losses = groups.map(group => data.runs.find(run => run.group === group).nodes.map(node => node.loss).filter(loss => loss !== null).sort((a, b) => a - b));
  if (losses.some(list => list.length > 1)) {
    const xs = Array.from({ length: Math.max(...losses.map(list => list.length)) }, (_, i) => i + 1);
    new uPlot({ width: 720, height: 240, scales: { x: { time: false } }, axes: [{ label: 'node' }, { label: 'nats' }],
      series: [{ label: 'node' }, ...groups.map((group, i) => ({ label: group, stroke: colour(i), width: 1, points: { show: true } }))] },
      [xs, ...losses.map(list => xs.map((_, i) => i < list.length ? list[i] : null))], document.getElementById('spread'));
  } else {
    make('p', 'One node, or none that told its loss.', document.getElementById('spread'));
  }

  const run = data.runs[0], lanes = document.getElementById('time');
  document.getElementById('round-name').textContent = run.nodes.length ? `round ${run.nodes[0].round} of ${run.name}` : 'no round was committed';
  const from = Math.min(...run.nodes.map(node => node.start)), to = Math.max(...run.nodes.map(node => node.arrived === null ? node.trained : node.arrived), from + 1e-9);
  const place = seconds => 100 * (Math.min(seconds, to) - from) / (to - from);
  for (const node of run.nodes.slice(0, 60)) {
    const lane = make('div', undefined, lanes);
    lane.className = 'lane';
    make('span', node.node, lane);
    const bar = make('div', undefined, lane);
    bar.className = 'bar' + (node.end === 'delivered' ? '' : ' lost');
    bar.title = `${node.end}${node.why ? ': ' + node.why : ''}; ${node.examples} examples; ${number(node.arrived === null ? null : node.arrived - node.start, 1)} s`;
    for (const [kind, begin, end] of [['download', node.start, node.downloaded], ['train', node.downloaded, node.trained], ['upload', node.trained, node.arrived === null ? node.trained : node.arrived]]) {
      const part = make('span', undefined, bar);
      part.className = kind;
      part.style.left = place(begin) + '%';
      part.style.width = Math.max(0, place(end) - place(begin)) + '%';
    }
  }

  const split = make('table', undefined, document.getElementById('split'));
  const titles = make('tr', undefined, split);
  for (const name of ['node', 'examples', ...run.split.labels]) make('th', name, titles);
  for (const row of run.split.rows.slice(0, 50)) {
    const line = make('tr', undefined, split);
    for (const text of [row.node, row.examples, ...row.labels]) make('td', String(text), line);
  }
  document.getElementById('scenario').textContent = data.scenario;
  document.body.dataset.drawn = String(document.querySelectorAll('canvas').length);
})();
