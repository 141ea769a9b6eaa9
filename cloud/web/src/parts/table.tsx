import type { ComponentChildren } from 'preact';

// A head, what stands under it, and the classes of both. False: not in this table.
export type TableColumn<T> = [head: ComponentChildren, cell: (row: T) => ComponentChildren, look?: string] | false;

export const actions_head = <span class="hidden">Actions</span>;

// Rows that fit into a page. `empty` stands in for a table without any.
export function Table<T>({
  label,
  rows,
  id,
  columns,
  empty,
  class: extra = '',
  box = '',
}: {
  label: string;
  rows: T[];
  id: (row: T) => string | number;
  columns: TableColumn<T>[];
  empty?: ComponentChildren;
  class?: string;
  box?: string;
}) {
  if (empty && rows.length === 0) return <>{empty}</>;
  const shown = columns.filter((column) => column !== false);
  return (
    <div class={`table-box ${box}`} tabIndex={0} role="region" aria-label={label}>
      <table class={`table ${extra}`}>
        <thead>
          <tr>
            {shown.map(([head, , look]) => (
              <th class={look}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {shown.map(([, cell, look]) => (
                <td class={look}>{cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
