"""``python firefox.py URL SCRIPT ELEMENT``: a page in headless Firefox, driven by Marionette.

Prints as JSON the text that the script gives, or its promise, and a picture of the element with
that id, as base64 of PNG. A program of its own, since Mozilla's packages leave sockets open.
"""

import json
import shutil
import sys

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")


def main(url: str, script: str, element: str) -> None:
    from marionette_driver.marionette import Marionette

    browser = Marionette(bin=PROGRAM, headless=True, gecko_log="/dev/null")
    browser.start_session()
    browser.timeout.script = 60
    browser.navigate(url)
    value = browser.execute_script("return window.wrappedJSObject.eval(arguments[0])", [script])
    print(json.dumps([value, browser.screenshot(browser.find_element("id", element))]))
    browser.delete_session()
    browser.cleanup()


if __name__ == "__main__":
    main(*sys.argv[1:])
