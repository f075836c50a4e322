// Times in the reader's zone, and pages that follow what happens. Everything on a page works without this.
(function () {
  'use strict';

  function local(root) {
    const format = new Intl.DateTimeFormat(undefined, {
      year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short',
    });
    for (const time of root.querySelectorAll('time[datetime]')) {
      time.title = time.getAttribute('datetime');
      time.textContent = format.format(new Date(time.getAttribute('datetime')));
    }
  }

  // What somebody is filling in is not taken from under their hands.
  function busy(main) {
    const at = document.activeElement;
    return at !== null && main.contains(at) && at.matches('input, select, textarea');
  }

  async function refresh(main) {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) {
      location.reload();
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('main');
    local(page);
    if (busy(main) || page.innerHTML === main.innerHTML) return;
    const focus = document.activeElement !== null && main.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    main.replaceChildren(...page.childNodes);
    if (focus !== null) {
      const same = [...main.querySelectorAll('a[href]')].find(link => link.getAttribute('href') === focus);
      if (same) same.focus({ preventScroll: true });
    }
  }

  function follow(main, state) {
    let wanted = false, running = false, first = true;
    async function pump() {
      if (running) return;
      running = true;
      while (wanted) {
        wanted = false;
        try {
          await refresh(main);
        } catch {
          // The line says when the coordinator is there again.
        }
      }
      running = false;
    }
    const source = new EventSource(main.dataset.live);
    source.onopen = () => { state.textContent = 'live'; };
    source.onerror = () => { state.textContent = 'reconnecting …'; first = false; };
    source.addEventListener('changed', () => {
      // The first event only says where things stand; the page was made a moment ago.
      if (!first) { wanted = true; pump(); }
      first = false;
    });
  }

  local(document);
  const main = document.querySelector('main[data-live]');
  if (main) follow(main, document.getElementById('live'));
})();
