using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Protocol.V1;

namespace FedLora.Client.Tests;

/// <summary>
/// The files of a node's folder, as they lie there: a change is seen in review, and needs a way from the old form. Ledger, adapters and
/// messages have theirs in the tests of their own projects.
/// </summary>
public sealed class StoredFormTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    [Fact]
    public void Who_the_node_is()
    {
        new NodeCredential("https://coordinator.example", "n1", "a", "secret", "r1").Save(PathOf("node.json"));
        Require("node.json", """
            {
              "Coordinator": "https://coordinator.example",
              "NodeId": "n1",
              "Name": "a",
              "Secret": "secret",
              "RequestId": "r1",
              "TokenHash": "",
              "IsEnrolled": true
            }
            """);
    }

    [Fact]
    public void How_often_a_round_was_charged()
    {
        RoundCharges.Add(_folder.FullName, 7);
        Require("charged", "7 1");
    }

    [Fact]
    public void The_account_of_noise_on_whole_updates()
    {
        var account = new UpdateNoiseAccount(_folder.FullName);
        account.Add(1.5);
        account.Add(0.75);
        account.Add(1.5);
        Require("update-noise", "1.5 2\n0.75 1\n");
    }

    [Fact]
    public void An_update_that_waits_is_its_header_and_its_bytes()
    {
        var header = new UpdateHeader
        {
            Federation = "mail",
            Round = 3,
            Blob = new BlobRef { Sha256 = new('a', 64), Size = 4 },
        };
        PendingUpdate.Save(_folder.FullName, header, [1, 2, 3, 4]);
        PendingUpdate.Settle(_folder.FullName, header);
        Require("update.settled", header.Blob.Sha256);
        Assert.Equal([$"update-{header.Blob.Sha256}", "update.header", "update.settled"],
            _folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.Equal(header, UpdateHeader.Parser.ParseFrom(File.ReadAllBytes(PathOf("update.header"))));
        Assert.Equal([1, 2, 3, 4], File.ReadAllBytes(PathOf($"update-{header.Blob.Sha256}")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private void Require(string name, string text) =>
        Assert.Equal(text.ReplaceLineEndings("\n"), File.ReadAllText(PathOf(name)).ReplaceLineEndings("\n"));
}
