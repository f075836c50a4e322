using System.Text;
using FedLora.Client.Connection;
using FedLora.Client.Hosting;
using FedLora.Tests;

namespace FedLora.Client.Tests;

/// <summary>What a site is given: a join token, a file of settings.</summary>
public sealed class SiteFuzzTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"fedlora-fuzz-{Guid.NewGuid():N}.yaml");

    [Fact]
    public void Join_tokens() => Mutations.Try("join token",
        [Encoding.UTF8.GetBytes($"{new string('a', 64)}.{new string('b', 64)}")], 1_000_000,
        bytes => JoinToken.Parse(Encoding.UTF8.GetString(bytes)));

    [Fact]
    public void Settings() => Mutations.Try("site.yaml", [Encoding.UTF8.GetBytes("""
        coordinator: https://here:5443,https://there:5443
        data: site.jsonl
        model: ./model
        name: site-a
        threads: 2
        public_count: 100
        """)], 8_000_000, bytes =>
        {
            File.WriteAllBytes(_file, bytes);
            ClientConfigFile.Load(_file);
        });

    public void Dispose() => File.Delete(_file);
}
