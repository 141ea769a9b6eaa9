import type { DispatchedTask } from 'api-types';
import { sentence, words } from '../format';
import { Ago } from './page';
import { DispatchedBadge } from './state';
import { short_id } from './task_table';

export function DispatchedTable({
  label,
  tasks,
  with_device = true,
  with_kind = true,
}: {
  label: string;
  tasks: DispatchedTask[];
  with_device?: boolean;
  with_kind?: boolean;
}) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table class="table tasks">
        <thead>
          <tr>
            <th>Task</th>
            <th>State</th>
            {with_kind && <th>Kind</th>}
            {with_device && <th>Device</th>}
            <th class="right">Granted</th>
            <th>Last failure</th>
            <th class="right">In this state for</th>
            <th class="right">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <a class="mono" href={`/tasks/dispatched/${task.id}`} title={task.id}>
                  {short_id(task.id)}
                </a>
              </td>
              <td class="nowrap">
                <DispatchedBadge task={task} />
              </td>
              {with_kind && <td>{task.kind}</td>}
              {with_device && (
                <td>
                  <a href={`/devices/${task.device}`}>{task.device}</a>
                </td>
              )}
              <td class="right">{task.grants}</td>
              <td>{task.last_failure === 'none' ? '–' : sentence(words(task.last_failure))}</td>
              <td class="right nowrap">
                <Ago at={task.since} bare />
              </td>
              <td class="right nowrap">
                <Ago at={task.created} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
