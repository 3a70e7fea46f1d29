export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

const WIDTH = 720;
const HEIGHT = 320;
const MARGIN = 44;

/** Loss (left axis) and accuracy (right axis) over the steps, as an SVG; each point the mean of some steps. */
export function curveSvg(points: readonly CurvePoint[], title: string): string {
  const smooth = averaged(points, 120);
  const lastStep = Math.max(1, points.at(-1)?.step ?? 1);
  const highest = Math.max(...smooth.map(({ loss }) => loss), 0.1);
  const x = (step: number): string => (MARGIN + (step / lastStep) * (WIDTH - 2 * MARGIN)).toFixed(1);
  const y = (share: number): string => (HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)).toFixed(1);
  const line = (color: string, share: (point: CurvePoint) => number): string =>
    `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${smooth.map((p) => `${x(p.step)},${y(share(p))}`).join(' ')}"/>`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>` +
      `<text x="${MARGIN - 6}" y="${y(share)}" text-anchor="end" dy="4" fill="#c0392b">${(share * highest).toFixed(2)}</text>` +
      `<text x="${WIDTH - MARGIN + 6}" y="${y(share)}" dy="4" fill="#2471a3">${(share * 100).toFixed(0)}%</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="14">${title}</text>`,
    ...ticks,
    line('#c0392b', ({ loss }) => loss / highest),
    line('#2471a3', ({ accuracy }) => accuracy),
    `<text x="${MARGIN}" y="${HEIGHT - 12}">0</text>`,
    `<text x="${WIDTH - MARGIN}" y="${HEIGHT - 12}" text-anchor="end">${lastStep} steps</text>`,
    `<text x="${MARGIN}" y="34" fill="#c0392b">loss</text>`,
    `<text x="${WIDTH - MARGIN}" y="34" text-anchor="end" fill="#2471a3">accuracy</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function averaged(points: readonly CurvePoint[], count: number): CurvePoint[] {
  const size = Math.max(1, Math.ceil(points.length / count));
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return groups.map((group) => ({
    step: group.at(-1)?.step ?? 0,
    loss: mean(group.map(({ loss }) => loss)),
    accuracy: mean(group.map(({ accuracy }) => accuracy)),
  }));
}
