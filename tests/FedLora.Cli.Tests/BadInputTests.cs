using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary>
/// Data, adapters, settings files, folders and addresses that are wrong: one clear line, exit code 1 or 2, nothing left behind.
/// </summary>
public sealed class BadInputTests : IDisposable
{
    private const string Federation = """
        name: mail
        method: fedit
        rounds: 2
        task: { kind: classification, labels: [ham, spam] }
        lora: { rank: 4, alpha: 8, target_modules: [query] }
        training: { local_steps: 2, batch_size: 4, learning_rate: 0.001, max_tokens: 32 }
        cohort: { size: 1 }
        """;

    private readonly Scratch _scratch = new();

    [Theory]
    [InlineData("", "data-empty", "holds no usable example")]
    [InlineData("\n \n", "data-empty", "2 lines")]
    [InlineData("{\"text\":\"a\",\"label\":\"ham\"}\n{\"text\":\"b\n", "data-invalid", "line 2 is not valid JSON")]
    [InlineData("{\"text\":\"a\",\"label\":\"eggs\"}\n", "data-label-unknown", "line 1: the label \"eggs\" is not one of ham, spam")]
    [InlineData("{\"text\":\"a\"}\n", "data-invalid", "line 1 has no \"label\"")]
    [InlineData("{\"text\":5,\"label\":\"ham\"}\n", "data-invalid", "line 1 has no \"text\"")]
    [InlineData("[1]\n", "data-invalid", "line 1 is not a JSON object")]
    [InlineData("{\"text\":\"\\ud800\",\"label\":\"ham\"}\n", "data-invalid", "half a surrogate pair")]
    public async Task Data(string text, string code, string said)
    {
        var (found, line) = await _scratch.FailsAsync(1, "evaluate", "--model", Scratch.Model, "--data", _scratch.File("data.jsonl", text),
            "--labels", "ham,spam");
        Assert.Equal(code, found);
        Assert.Contains(said, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_is_not_there_or_a_folder()
    {
        foreach (var data in new[] { _scratch["nowhere.jsonl"], Scratch.Model })
            Assert.Equal("data-missing",
                (await _scratch.FailsAsync(1, "evaluate", "--model", Scratch.Model, "--data", data, "--labels", "ham,spam")).Code);
    }

    [Theory]
    [InlineData("--labels", "ham")]
    [InlineData("--labels", "ham,ham,spam")]
    [InlineData("--labels", ",")]
    [InlineData("--max-length", "many")]
    [InlineData("--dtype", "f8")]
    [InlineData("--modell", "x")]
    public async Task Options_of_evaluate(string option, string value) =>
        Assert.Equal("usage",
            (await _scratch.FailsAsync(2, "evaluate", "--model", Scratch.Model, "--data", _scratch.File("data.jsonl", "{}\n"), option,
                value)).Code);

    [Theory]
    [InlineData("{", "adapter-config-invalid")]
    [InlineData("[]", "adapter-config-invalid")]
    [InlineData("""{"peft_type":"LORA","r":"4","lora_alpha":8,"target_modules":["q"]}""", "adapter-config-invalid")]
    [InlineData("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":"((("}""", "adapter-config-invalid")]
    [InlineData("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q"],"use_dora":true}""", "adapter-unsupported")]
    [InlineData("""{"peft_type":"IA3"}""", "adapter-unsupported")]
    public async Task Adapter_settings(string config, string code)
    {
        _scratch.File("adapter/adapter_model.safetensors", "");
        _scratch.File("adapter/adapter_config.json", config);
        var (found, line) = await _scratch.FailsAsync(1, "adapter", "inspect", _scratch["adapter"]);
        Assert.Equal(code, found);
        Assert.Contains("adapter_config.json", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("foo", "adapter-key-invalid")]
    [InlineData("base_model.model.q.lora_A.weight", "tensor-missing")]
    public async Task Adapter_tensors_are_named_with_their_file(string tensor, string code)
    {
        _scratch.File("adapter/adapter_config.json", """{"peft_type":"LORA","r":1,"lora_alpha":8,"target_modules":["q"]}""");
        var header = $$$"""{"{{{tensor}}}":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}""";
        await System.IO.File.WriteAllBytesAsync(_scratch["adapter/adapter_model.safetensors"],
            [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.ASCII.GetBytes(header), .. new byte[8]]);
        var (found, line) = await _scratch.FailsAsync(1, "adapter", "inspect", _scratch["adapter"]);
        Assert.Equal(code, found);
        Assert.Contains("adapter_model.safetensors", line, StringComparison.Ordinal);
        Assert.Contains(tensor, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: [1, 2\nb: }", "yaml-invalid")]
    [InlineData("", "yaml-invalid")]
    [InlineData("- a", "yaml-invalid")]
    [InlineData("coordinatr: x", "yaml-invalid")]
    [InlineData("threads: many", "yaml-invalid")]
    [InlineData("name: a\nname: b", "yaml-invalid")]
    public async Task Settings_of_a_client(string text, string code)
    {
        var (found, line) = await _scratch.FailsAsync(1, "client", "--config", _scratch.File("site.yaml", text));
        Assert.Equal(code, found);
        Assert.Contains("site.yaml, line ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_are_not_there_or_a_folder()
    {
        foreach (var file in new[] { _scratch["nowhere.yaml"], Scratch.Model })
        {
            Assert.Equal("yaml-missing", (await _scratch.FailsAsync(1, "client", "--config", file)).Code);
            Assert.Equal("policy-invalid", (await ClientAsync(1, "--policy", file)).Code);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("epsilom: 4")]
    [InlineData("epsilon: lots")]
    [InlineData("epsilon: -4")]
    [InlineData("hours: 25-99")]
    [InlineData("a: [1, 2\nb: }")]
    public async Task Policy(string text) =>
        Assert.Equal("policy-invalid", (await ClientAsync(1, "--policy", _scratch.File("policy.yaml", text))).Code);

    [Theory]
    [InlineData("--threads", "-3", 2, "usage")]
    [InlineData("--max-rank", "-1", 2, "usage")]
    [InlineData("--max-epsilon", "nan", 2, "usage")]
    [InlineData("--public-count", "0", 2, "usage")]
    [InlineData("--on-bad-line", "perhaps", 2, "usage")]
    [InlineData("--name", "A/../B", 2, "usage")]
    [InlineData("--data", "", 2, "usage")]
    [InlineData("--data", "nowhere.jsonl", 1, "data-missing")]
    [InlineData("--model", "nowhere", 1, "model-folder-missing")]
    [InlineData("--coordinator", "nonsense", 1, "coordinator-url")]
    [InlineData("--coordinator", "http://example.org:5080", 1, "coordinator-url")]
    public async Task Options_of_a_client(string option, string value, int exit, string code) =>
        Assert.Equal(code, (await ClientAsync(exit, option, value)).Code);

    [Fact]
    public async Task A_client_says_at_its_start_what_no_federation_could_use()
    {
        Assert.Equal("token-missing", (await ClientAsync(1)).Code);
        Assert.Equal("data-invalid", (await ClientAsync(1, "--data", _scratch.File("bad.jsonl", "{\"text\":\"a\"}\n{\"text\n"))).Code);
        Assert.Equal("tokenizer-missing", (await ClientAsync(1, "--model", _scratch.ModelWith("tokenizer.json", _ => null))).Code);
        Assert.Equal("state-unwritable", (await ClientAsync(1, "--state", _scratch.File("taken", ""))).Code);
    }

    [Theory]
    [InlineData("nonsense", "listen-invalid")]
    [InlineData("http://127.0.0.1:99999", "listen-invalid")]
    [InlineData("http://0.0.0.0:5080", "listen-insecure")]
    public async Task Address_of_a_server(string listen, string code) =>
        Assert.Equal(code, (await _scratch.FailsAsync(1, "server", "--data", _scratch["server"], "--listen", listen)).Code);

    [Fact]
    public async Task Port_in_use()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Assert.Equal("port-in-use",
            (await _scratch.FailsAsync(1, "server", "--data", _scratch["server"], "--listen", $"http://{listener.LocalEndpoint}")).Code);
    }

    [Theory]
    [InlineData("--postgres", "Hosst=db", "postgres-invalid")]
    [InlineData("--postgres", "Host=127.0.0.1;Port=1;Database=x;Username=x", "postgres-unreachable")]
    [InlineData("--silo", "nowhere", "listen-invalid")]
    [InlineData("--silo", "0.0.0.0:1", "listen-invalid")]
    public async Task Where_the_cluster_is(string option, string value, string code)
    {
        Assert.Equal(code,
            (await _scratch.FailsAsync(1, "server", "--data", _scratch["server"], "--listen", "http://127.0.0.1:0", option, value)).Code);
        Assert.False(File.Exists(_scratch["server/state.db"]));
    }

    [Fact]
    public async Task What_is_backed_up_restored_or_moved()
    {
        foreach (var (code, arguments) in new (string, string[])[]
        {
            ("backup-nothing", ["backup", _scratch["backups"]]), ("backup-missing", ["restore", _scratch["backups"]]),
            ("move-nothing", ["move", "--to", "Host=127.0.0.1;Port=1;Database=x;Username=x"]),
        })
            Assert.Equal(code, (await _scratch.FailsAsync(1, ["admin", "--data", _scratch["server"], .. arguments])).Code);
        Assert.False(Directory.Exists(_scratch["server"]));
        foreach (var arguments in new string[][] { ["backup", _scratch["backups"]], ["backup", "x", "--keep", "0"], ["move", "--to", "x"] })
            Assert.Equal("usage", (await _scratch.FailsAsync(2, ["admin", .. arguments])).Code);
        Assert.False(Directory.Exists(_scratch["backups"]));
    }

    [Fact]
    public async Task Folder_of_a_server_that_cannot_be_made()
    {
        var file = _scratch.File("taken", "");
        foreach (var data in new[] { file, Path.Combine(file, "below"), "/proc/fedlora" })
            Assert.Equal("data-unwritable", (await _scratch.FailsAsync(1, "server", "--data", data, "--listen", "http://127.0.0.1:0"))
                .Code);
    }

    [Fact]
    public async Task State_of_a_server_that_is_damaged()
    {
        _scratch.File("server/lock", "");
        _scratch.File("server/operator.token", "");
        Assert.Equal("operator-token-invalid", (await ServerAsync()).Code);
        _scratch.File("server/operator.token", new string('a', 64));
        _scratch.File("server/state.db", new string('x', 4096));
        var (code, line) = await ServerAsync();
        Assert.Equal("state-damaged", code);
        Assert.Contains("state.db", line, StringComparison.Ordinal);
        File.Delete(_scratch["server/state.db"]);
        _scratch.File($"server/blobs/ab/{new string('a', 64)}", "an adapter");
        Assert.Equal("state-missing", (await ServerAsync()).Code);
        Assert.False(File.Exists(_scratch["server/state.db"]));

        Task<(string Code, string Line)> ServerAsync() =>
            _scratch.FailsAsync(1, "server", "--data", _scratch["server"], "--listen", "http://127.0.0.1:0");
    }

    [Fact]
    public async Task Ledger_that_is_damaged_or_not_there()
    {
        Assert.Equal("ledger-missing", (await _scratch.FailsAsync(1, "privacy", "ledger", _scratch["nowhere"])).Code);
        Directory.CreateDirectory(_scratch["site/fedlora-node/ledger"]);
        foreach (var parent in new[] { "site", "site/fedlora-node" })
        {
            var (missing, said) = await _scratch.FailsAsync(1, "privacy", "ledger", _scratch[parent]);
            Assert.Equal("ledger-missing", missing);
            Assert.Contains(_scratch["site/fedlora-node/ledger"], said, StringComparison.Ordinal);
        }
        _scratch.File("ledger/ledger.jsonl", "garbage\n");
        var (code, line) = await _scratch.FailsAsync(1, "privacy", "ledger", _scratch["ledger"]);
        Assert.Equal("ledger-damaged", code);
        Assert.Contains(_scratch["ledger"], line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_to_write_to_that_is_a_file()
    {
        var file = _scratch.File("taken", "");
        Assert.Equal("out-unwritable", (await _scratch.FailsAsync(1, "pretrain", "--out", file)).Code);
        Assert.Equal("out-unwritable", (await _scratch.FailsAsync(1, "demo", "--out", file)).Code);
    }

    [Fact]
    public async Task A_demo_looks_at_its_model_before_it_begins()
    {
        Assert.Equal("model-folder-missing",
            (await _scratch.FailsAsync(1, "demo", "--model", _scratch["nowhere"], "--out", _scratch["out"]))
                .Code);
        Assert.Equal("tokenizer-missing",
            (await _scratch.FailsAsync(1, "demo", "--model", _scratch.ModelWith("tokenizer.json", _ => null), "--out", _scratch["out"]))
                .Code);
    }

    [Fact]
    public async Task An_option_that_takes_json_for_its_value_fails_as_json_all_the_same() =>
        Assert.Equal("usage", (await _scratch.FailsAsync(2, "evaluate", "--model")).Code);

    [Theory]
    [InlineData("", "yaml-invalid", "is empty")]
    [InlineData("method: magic", "federation-invalid", "magic")]
    [InlineData("rouds: 3", "yaml-invalid", "unknown key 'rouds'")]
    [InlineData("privacy: { epsilon: 0 }", "federation-invalid", "privacy.epsilon")]
    public async Task Federation_files(string added, string code, string said)
    {
        var text = added.Length == 0 ? ""
            : Federation.Replace("method: fedit\n", added.StartsWith("method", StringComparison.Ordinal) ? "" : "method: fedit\n",
                StringComparison.Ordinal) + "\n" + added;
        var (found, line) = await AdminAsync(1, "federation", "create", "-f", _scratch.File("federation.yaml", text), "--model",
            Scratch.Model);
        Assert.Equal(code, found);
        Assert.Contains(said, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_coordinator_that_is_not_there_and_one_that_is_none()
    {
        Assert.Equal("coordinator-unreachable", (await AdminAsync(1, "node", "list")).Code);
        Assert.Equal("coordinator-unknown", (await _scratch.FailsAsync(1, "admin", "--data", _scratch["nowhere"], "node", "list")).Code);
        Assert.Equal("usage", (await _scratch.FailsAsync(2, "admin", "node", "list")).Code);
        _scratch.File("server/coordinator.url", "garbage");
        Assert.Equal("coordinator-url", (await _scratch.FailsAsync(1, "admin", "--data", _scratch["server"], "node", "list")).Code);
    }

    [Theory]
    [InlineData("adapter", "inspect", "")]
    [InlineData("demo", "--out", "")]
    [InlineData("demo", "--model", "")]
    [InlineData("demo", "--epsilon", "nan")]
    [InlineData("demo", "--rounds", "0")]
    [InlineData("demo", "--density-down", "2")]
    [InlineData("demo", "--density-up", "1/0")]
    [InlineData("demo", "--density-up", "some")]
    [InlineData("demo", "--values", "f8")]
    public async Task Wrong_usage(params string[] arguments) => Assert.Equal("usage", (await _scratch.FailsAsync(2, arguments)).Code);

    [Fact]
    public async Task What_a_file_is_called_breaks_no_line() =>
        Assert.Equal("file-missing", (await _scratch.FailsAsync(1, "adapter", "inspect", "line one\nline two")).Code);

    public void Dispose() => _scratch.Dispose();

    private Task<(string Code, string Line)> ClientAsync(int exit, params string[] other)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["--coordinator"] = "http://127.0.0.1:1",
            ["--data"] = _scratch.File("site.jsonl", JsonSerializer.Serialize(new { text = "a", label = "ham" }) + "\n"),
            ["--model"] = Scratch.Model,
            ["--state"] = _scratch["state"],
        };
        for (var i = 0; i < other.Length; i += 2)
            options[other[i]] = other[i + 1];
        return _scratch.FailsAsync(exit, ["client", .. options.SelectMany(option => new[] { option.Key, option.Value })]);
    }

    private Task<(string Code, string Line)> AdminAsync(int exit, params string[] arguments)
    {
        // Nothing listens on the first port.
        _scratch.File("server/coordinator.url", "http://127.0.0.1:1");
        _scratch.File("server/operator.token", "token");
        return _scratch.FailsAsync(exit, ["admin", "--data", _scratch["server"], .. arguments]);
    }
}
