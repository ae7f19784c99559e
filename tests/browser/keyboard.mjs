// Who has only Tab, the arrow keys, Space, and Enter.

const MOST_TABS = 400;

export class Keyboard {
  constructor(page) {
    this.page = page;
    this.unseen = []; // elements with the focus that did not show it, or were off the screen
    this.unordered = []; // elements that came after one below them on their page
    this.reached = 0;
  }

  // Press Tab until an element that matches has the focus.
  async tabTo(selector) {
    for (let i = 0; i < MOST_TABS; i++) {
      const found = await this.page.evaluate((wanted) => {
        const focused = document.activeElement;
        const style = getComputedStyle(focused);
        const box = focused.getBoundingClientRect();
        const isMarked = style.outlineStyle !== "none" || style.boxShadow !== "none";
        const isOnScreen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
        const isSeen = focused === document.body || (isMarked && isOnScreen);
        const bottom = focused === document.body ? 0 : box.bottom + scrollY;
        return { isWanted: focused.matches(wanted), isSeen, bottom, html: focused.outerHTML.slice(0, 80) };
      }, selector);
      if (!found.isSeen) this.unseen.push(found.html);
      if (found.bottom < this.reached) this.unordered.push(found.html);
      this.reached = found.bottom;
      if (found.isWanted) return;
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`no way to ${selector} by keyboard`);
  }
}
