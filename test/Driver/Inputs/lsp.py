"""Talks to qopt-lsp-server as an editor does: initialize, open a document, shutdown, exit."""
import json
import subprocess

TEXT = """func.func @main(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %y = nn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %z = nn.nonsense %y : (tensor<2x3xf32>) -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}
"""
server = subprocess.Popen(["qopt-lsp-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def send(method, params, **more):
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.stdin.flush()


def receive():
    length = 0
    while line := server.stdout.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return json.loads(server.stdout.read(length))


def receive_until(wanted):
    while not wanted(message := receive()):
        pass
    return message


send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, id=1)
answer = receive_until(lambda m: m.get("id") == 1)
print("hover:", answer["result"]["capabilities"]["hoverProvider"])
send("initialized", {})
document = {"uri": "file:///tmp/test.mlir", "languageId": "mlir", "version": 1, "text": TEXT}
send("textDocument/didOpen", {"textDocument": document})
told = receive_until(lambda m: m.get("method") == "textDocument/publishDiagnostics")
for diagnostic in told["params"]["diagnostics"]:
    print("line", diagnostic["range"]["start"]["line"], diagnostic["message"])
send("shutdown", None, id=2)
receive_until(lambda m: m.get("id") == 2)
send("exit", None)
print("exit status:", server.wait(timeout=60))
