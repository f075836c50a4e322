using System.Text;
using FedLora.Federations.Files;
using FedLora.Tests;

namespace FedLora.Federations.Tests;

/// <summary>Federations' files, whatever somebody has written or sent.</summary>
public sealed class FederationFuzzTests
{
    private const string Whole = """
        name: mail
        method: fedit
        rounds: 20
        seed: 3
        task: { kind: classification, labels: [ham, spam] }
        lora:
          rank: 4
          alpha: 8
          target_modules: [query, value]
        training: { local_steps: 2, batch_size: 4, learning_rate: 0.001, max_tokens: 32 }
        privacy: { epsilon: 8, delta: 1e-5, clip_norm: 1, sampling_rate: 0.05 }
        cohort: { size: 4, quorum: 3, min_nodes: 4, deadline_seconds: 600 }
        """;

    private const string Other = """
        # of another kind
        name: "chat"
        method: ffa-lora
        rounds: 2
        base_model: ./model
        task: { kind: causal-language-model }
        lora: { rank: 2, alpha: 4, target_modules: '.*q_proj' }
        training:
          local_steps: 1
          batch_size: 1
          learning_rate: 1e-4
          max_tokens: 16
        cohort: { size: 1 }
        communication: { up: 0.1 }
        """;

    [Fact]
    public void Files() => Mutations.Try("federation.yaml", [Encoding.UTF8.GetBytes(Whole), Encoding.UTF8.GetBytes(Other)], 8_000_000,
        bytes =>
        {
            using var text = new StreamReader(new MemoryStream(bytes));
            FederationFile.Read(YamlMap.Parse("here", text), "/");
        });
}
