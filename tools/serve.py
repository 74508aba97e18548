"""Serve the built site on this machine as hosts of static sites do: python -m tools.serve"""

import functools
import http.server
import pathlib

PORT = 8000


class Site(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, which stands at ``base``; an unknown address is answered by 404.html."""

    base = "/"

    def translate_path(self, path):
        return super().translate_path("/" + path.removeprefix(self.base))

    def send_error(self, code, message=None, explain=None):
        page = pathlib.Path(self.directory, "404.html")
        if code != 404 or not page.exists():
            return super().send_error(code, message, explain)
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        return self.wfile.write(page.read_bytes()) if self.command != "HEAD" else None


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that leaves a page before its last file has come is no error."""


def main():
    handler = functools.partial(Site, directory="_build/html")
    with Server(("127.0.0.1", PORT), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
