import type { Span, Trace } from 'api-types';
import { duration, plural } from '../format';
import { Icon } from '../parts/icons';
import { cut_axis, type Axis } from './gaps';

const lane_names: Record<Span['lane'], string> = { edge: 'Device', link: 'Link', cloud: 'Cloud' };
const span_names: Record<Span['name'], string> = { queued: 'Queued', run: 'Run', answer: 'Answer until acknowledged' };

// Spans from the device over the link to the cloud and back. Each lane keeps its own host's clock;
// where two clocks meet, what they may differ by is drawn as a blurred end.
export function Waterfall({ trace, now_s }: { trace: Trace; now_s: number }) {
  const end = (span: Span): number => span.to_s ?? Math.max(now_s, span.from_s);
  const axis = cut_axis(trace.spans.flatMap((span) => [span.from_s, end(span)]));
  const lanes = (['edge', 'link', 'cloud'] as const)
    .map((lane) => ({
      lane,
      spans: trace.spans.filter((span) => span.lane === lane).sort((a, b) => a.from_s - b.from_s),
    }))
    .filter(({ spans }) => spans.length > 0);
  const cuts = axis.stretches.filter(({ cut }) => cut);
  return (
    <div class="waterfall">
      <div class="wf-axis" aria-hidden="true">
        <span class="wf-name">Since it began</span>
        <div class="wf-track">
          <Ticks axis={axis} />
        </div>
        <span class="wf-length">Length</span>
      </div>
      {lanes.map(({ lane, spans }) => (
        <section
          key={lane}
          class={`wf-lane lane-${lane}`}
          aria-label={`${lane_names[lane]}, ${plural(spans.length, 'span')}`}
        >
          <h3>
            {lane_names[lane]} <span>{[...new Set(spans.map((span) => span.host))].join(', ')}</span>
          </h3>
          <ol>
            {spans.map((span, index) => (
              <Bar
                key={index}
                span={span}
                axis={axis}
                end={end(span)}
                skew={lane === 'edge' || lanes.length === 1 ? 0 : trace.skew_s}
              />
            ))}
          </ol>
        </section>
      ))}
      <ul class="wf-key">
        {lanes.length > 1 && trace.skew_s > 0 && (
          <li>
            <i class="key-skew" />
            Clocks of device and cloud may differ by {duration(trace.skew_s)}; blurred ends show it
          </li>
        )}
        {trace.spans.some((span) => span.ghost) && (
          <li>
            <i class="key-ghost" />A retry or a duplicate that did not count
          </li>
        )}
        {cuts.length > 0 && (
          <li>
            <i class="key-cut" />
            {plural(cuts.length, 'quiet stretch', 'quiet stretches')} cut short:{' '}
            {cuts.map(({ from, to }) => duration(to - from)).join(', ')}
          </li>
        )}
      </ul>
    </div>
  );
}

function Ticks({ axis }: { axis: Axis }) {
  return (
    <>
      {[0, 0.25, 0.5, 0.75].map((at) => (
        <span class="wf-tick" key={at} style={{ left: `${at * 100}%` }}>
          {duration(axis.time(at))}
        </span>
      ))}
      {axis.stretches
        .filter(({ cut }) => cut)
        .map(({ from, left, width }) => (
          <i class="wf-cut" key={from} style={{ left: `${(left + width / 2) * 100}%` }} />
        ))}
    </>
  );
}

function Bar({ span, axis, end, skew }: { span: Span; axis: Axis; end: number; skew: number }) {
  const left = axis.at(span.from_s),
    right = axis.at(end);
  const before = left - axis.at(span.from_s - skew),
    after = axis.at(end + skew) - right;
  const length = duration(end - span.from_s);
  return (
    <li class={`wf-row${span.ghost ? ' ghost' : ''}`}>
      <span class="wf-name" title={span.note}>
        {span_names[span.name]}
        {span.epoch > 0 && <small>epoch {span.epoch}</small>}
        {span.ghost && (
          <span class="wf-ghost">
            <Icon name="ban" size={12} />
            did not count
          </span>
        )}
      </span>
      <div
        class="wf-track"
        role="img"
        aria-label={`${span_names[span.name]}: from ${duration(span.from_s)}, ${span.to_s === null ? 'under way for' : 'took'} ${length}${span.ghost ? ', did not count' : ''}. ${span.note}`}
      >
        {skew > 0 && (
          <i
            class="wf-skew"
            style={{ left: `${(left - before) * 100}%`, width: `${(right - left + before + after) * 100}%` }}
          />
        )}
        <i
          class={`wf-bar${span.to_s === null ? ' open' : ''}`}
          style={{ left: `${left * 100}%`, width: `max(3px, ${(right - left) * 100}%)` }}
        />
      </div>
      <span class="wf-length">{length}</span>
      {span.note && <p class="wf-note">{span.note}</p>}
    </li>
  );
}
