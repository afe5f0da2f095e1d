const { goTo, newPage, open } = await import("./tests/browser.mjs"); const { scenes } = await import("./tests/scenes.mjs");
const { browser, address, close } = await open(); const page = await newPage(browser,{width:360,height:720,lang:"ja-simple"});
for (const name of Object.keys(scenes)) { await goTo(page,address,name,{lang:"ja-simple"}); const h=await page.evaluate(()=>document.documentElement.outerHTML); const m=h.match(/.{60}[《》].{40}/s); if(m) console.log(name,m[0]); }
await close();
