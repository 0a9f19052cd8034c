// Lists the versions that hold this page, and says so on pages of older ones. Nothing is fetched:
// versions.js, which stands before this script, has the list, so it works from file:// too.
(() => {
  const { version, page, root } = document.currentScript.dataset;
  const versions = window.cozadVersions || [];
  if (versions.length < 2) return;

  const link = (other, text) => {
    const a = document.createElement("a");
    a.href = `${root}${other.version}/${other.pages.includes(page) ? page : "index.html"}`;
    a.textContent = text;
    return a;
  };

  const nav = document.createElement("nav");
  nav.className = "version-switch";
  nav.setAttribute("aria-label", "Versions");
  const list = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = `Version ${version}`;
  const items = document.createElement("ul");
  for (const other of versions) {
    const item = document.createElement("li");
    const a = link(other, other === versions[0] ? `${other.version} (newest)` : other.version);
    if (other.version === version) a.setAttribute("aria-current", "page");
    item.append(a);
    items.append(item);
  }
  list.append(summary, items);
  nav.append(list);
  const logo = document.querySelector(".bd-sidebar-primary .navbar-brand");
  const place = logo && logo.closest(".sidebar-primary-item");
  if (place) place.after(nav);
  else document.querySelector(".book-version")?.after(nav);

  if (versions[0].version === version) return;
  const note = document.createElement("p");
  note.className = "version-note";
  note.append(`This page is of version ${version}. `, link(versions[0], `Read version ${versions[0].version}`));
  (document.querySelector("article") ?? document.querySelector("main"))?.prepend(note);
})();
