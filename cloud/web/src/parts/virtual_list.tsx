import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ComponentChildren;
  sort?: string; // what the API calls it, when it can sort by it
  first?: string; // the order of the first press, when not `sort`
  right?: boolean;
}

interface Props<T> {
  label: string;
  total: number;
  columns: Column<T>[];
  row: (index: number) => T | undefined; // undefined: not loaded yet
  need?: (first: number, last: number) => void;
  sort?: string;
  on_sort?: (column: string, first: string) => void;
  class?: string;
}

const kOverscan = 6;

// Rows by the hundred thousand: only those in sight are in the document. Rows have one height, which
// the style sheet sets (--row) and a narrow screen doubles. Arrow keys move from row to row.
export function VirtualList<T>({ label, total, columns, row, need, sort, on_sort, class: extra = '' }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [size, set_size] = useState({ row: 36, view: 600 });
  const [first, set_first] = useState(0);
  const [active, set_active] = useState(0);
  const focus_active = useRef(false);
  const drawn = useRef(new Map<number, { item: T | undefined; size: typeof size; vnode: VNode }>());

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = (): void => {
      const height = parseFloat(getComputedStyle(element).getPropertyValue('--row-px')) || 36;
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      set_size({ row: height * rem, view: element.clientHeight });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);

  const from = Math.max(0, first - kOverscan);
  const to = Math.min(total, first + Math.ceil(size.view / size.row) + kOverscan);
  useEffect(() => {
    if (total > 0) need?.(from, to);
  }, [from, to, total, need]);

  useEffect(() => {
    if (!focus_active.current) return;
    focus_active.current = false;
    box.current
      ?.querySelector<HTMLElement>(`[data-row="${active}"] a, [data-row="${active}"] button`)
      ?.focus({ preventScroll: true });
  });

  const on_scroll = (): void => set_first(Math.max(0, Math.floor(box.current!.scrollTop / size.row)));

  const move = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(size.view / size.row) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -total, End: total }[event.key];
    if (step === undefined || total === 0) return;
    event.preventDefault();
    // From outside the rows the first key goes to the first row in sight.
    const inside = document.activeElement !== box.current,
      far = Math.abs(step) === total;
    const next = Math.min(total - 1, Math.max(0, inside || far ? active + step : first));
    focus_active.current = true;
    set_active(next);
    const element = box.current!;
    const top = next * size.row,
      head = 36;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + size.row > element.scrollTop + element.clientHeight - head)
      element.scrollTop = top + size.row - element.clientHeight + head;
  };

  // A row that is what it was is not looked at again: scrolling costs what comes into sight.
  const before = drawn.current,
    rows: VNode[] = [];
  drawn.current = new Map();
  // Rows that leave at one end come in at the other: elements are changed, not made.
  const places = Math.ceil(size.view / size.row) + 2 * kOverscan + 1;
  for (let index = from; index < to; ++index) {
    const item = row(index),
      known = before.get(index);
    const vnode =
      known && known.item === item && known.size === size ? (
        known.vnode
      ) : (
        <div
          role="row"
          class="vrow"
          key={index % places}
          data-row={index}
          aria-rowindex={index + 2}
          style={{ transform: `translateY(${index * size.row}px)`, height: `${size.row}px` }}
          onFocusCapture={() => set_active(index)}
        >
          {item === undefined ? (
            <div role="cell" class="vcell pending" aria-label="Loading">
              <div class="skeleton" />
            </div>
          ) : (
            columns.map((column) => (
              <div role="cell" key={column.key} class={`vcell c-${column.key}${column.right ? ' right' : ''}`}>
                {column.cell(item)}
              </div>
            ))
          )}
        </div>
      );
    drawn.current.set(index, { item, size, vnode });
    rows.push(vnode);
  }

  return (
    <div
      class={`vlist ${extra}`}
      role="table"
      aria-label={label}
      aria-rowcount={total + 1}
      tabIndex={0}
      ref={box}
      onScroll={on_scroll}
      onKeyDown={move}
    >
      <div role="rowgroup" class="vhead">
        <div role="row" class="vrow head" aria-rowindex={1}>
          {columns.map((column) => (
            <Head key={column.key} column={column} sort={sort} on_sort={on_sort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="vbody" style={{ height: `${total * size.row}px` }}>
        {rows}
      </div>
    </div>
  );
}

function Head<T>({
  column,
  sort,
  on_sort,
}: {
  column: Column<T>;
  sort?: string | undefined;
  on_sort?: ((column: string, first: string) => void) | undefined;
}) {
  const on = !!column.sort && column.sort === sort?.replace('-', ''),
    down = !!sort?.startsWith('-');
  return (
    <div
      role="columnheader"
      class={`vcell c-${column.key}${column.right ? ' right' : ''}`}
      aria-sort={on ? (down ? 'descending' : 'ascending') : undefined}
    >
      {column.sort && on_sort ? (
        <button class={on ? 'sort on' : 'sort'} onClick={() => on_sort(column.sort!, column.first ?? column.sort!)}>
          {column.title}
          {on && <span aria-hidden="true">{down ? '↓' : '↑'}</span>}
        </button>
      ) : (
        column.title
      )}
    </div>
  );
}
