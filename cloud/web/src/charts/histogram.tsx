import { count, duration } from '../format';
import { decades } from './series';

// How long, by decades; the words are under the bars, so the picture needs no reading aloud.
export function Histogram({
  title,
  values,
  least,
  most,
}: {
  title: string;
  values: number[];
  least: number;
  most: number;
}) {
  const bins = decades(values, least, most);
  const high = Math.max(1, ...bins.map((bin) => bin.count));
  return (
    <figure class="histogram">
      <figcaption class="chart-title">{title}</figcaption>
      <ol>
        {bins.map((bin, at) => (
          <li
            key={bin.to}
            title={`${at === bins.length - 1 ? `over ${duration(bin.from)}` : `${duration(bin.from)} to ${duration(bin.to)}`}: ${count(bin.count)}`}
          >
            <span class="hist-count">{bin.count > 0 ? count(bin.count) : ''}</span>
            <i
              style={{ height: `${bin.count ? Math.max(2, (56 * bin.count) / high) : 1}px` }}
              class={bin.count ? '' : 'none'}
            />
            <span class="hist-edge">{at === bins.length - 1 ? `>${duration(bin.from)}` : `<${duration(bin.to)}`}</span>
          </li>
        ))}
      </ol>
    </figure>
  );
}
