import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/charts.css';
import './styles/pages.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { me, who_am_i } from './api/client';
import { start_stream } from './live/live';
import { AlertsPage } from './pages/alerts';
import { CloudPage } from './pages/cloud';
import { DevicePage } from './pages/device';
import { DevicesPage } from './pages/devices';
import { FleetPage } from './pages/fleet';
import { sign_in, SignInPage, take_code } from './pages/sign_in';
import { DispatchedPage } from './pages/dispatched';
import { DispatchedGroupPage } from './pages/dispatched_group';
import { DispatchedTaskPage } from './pages/dispatched_task';
import { TaskDetailPage } from './pages/task';
import { TasksPage } from './pages/tasks';
import { Message, Page } from './parts/page';
import { Shell } from './parts/shell';
import { Toasts } from './parts/toast';
import { place, start_router } from './router';

// A group's id has an x where a task's has none.
const Dispatched = ({ id }: { id: string }) =>
  !id ? (
    <DispatchedPage />
  ) : id.includes('x') ? (
    <DispatchedGroupPage key={id} id={id} />
  ) : (
    <DispatchedTaskPage key={id} id={id} />
  );

function Route() {
  const { path } = place.value;
  const [, page, id] = /^\/([a-z]*)(?:\/(.+))?$/.exec(path) ?? [];
  const name = id ? decodeURIComponent(id) : '';
  // Who opens the one-time link again is signed in already.
  if ((page === '' || page === 'login') && !name) return <FleetPage />;
  if (page === 'devices') return name ? <DevicePage key={name} id={name} /> : <DevicesPage />;
  if (page === 'tasks' && name.startsWith('dispatched')) return <Dispatched id={name.slice('dispatched/'.length)} />;
  if (page === 'tasks') return name ? <TaskDetailPage key={name} id={name} /> : <TasksPage />;
  if (page === 'alerts' && !name) return <AlertsPage />;
  if (page === 'cloud' && !name) return <CloudPage />;
  return (
    <Page title="Not there">
      <Message icon="search" title="There is no such page">
        <a class="button" href="/">
          To the fleet
        </a>
      </Message>
    </Page>
  );
}

function App({ code }: { code: string | null }) {
  const [problem, set_problem] = useState('');
  const [unreachable, set_unreachable] = useState('');
  useEffect(() => {
    const begin = async (): Promise<void> => {
      if (code) {
        try {
          await sign_in({ code });
          return;
        } catch (error) {
          set_problem((error as Error).message);
        }
      }
      await who_am_i();
      if (me.value === undefined) me.value = null;
    };
    begin().catch((error: Error) => set_unreachable(error.message));
  }, []);
  useEffect(() => {
    if (me.value) start_stream();
  }, [me.value]);
  if (unreachable)
    return (
      <main class="sign-in" id="page">
        <div class="panel">
          <Message icon="link" tone="bad" title="The cloud does not answer">
            <p>{unreachable}</p>
            <button class="button" onClick={() => location.reload()}>
              Try again
            </button>
          </Message>
        </div>
      </main>
    );
  if (me.value === undefined) return <div class="starting" role="status" aria-label="Starting" />;
  return (
    <>
      {me.value ? (
        <Shell>
          <Route />
        </Shell>
      ) : (
        <SignInPage problem={problem} />
      )}
      <Toasts />
    </>
  );
}

const code = take_code();
start_router();
render(<App code={code} />, document.getElementById('app')!);
