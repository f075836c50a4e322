using FedLora.Training.Running;

namespace FedLora.Training.Tests.Running;

/// <summary>Drawing a token: the nucleus is the naive one, and frequencies are those of the softmax within it.</summary>
public sealed class SamplerTests
{
    [Fact]
    public void The_nucleus_is_the_shortest_beginning_of_all_tokens_sorted()
    {
        var random = new Random(7);
        foreach (var size in (int[])[1, 2, 3, 17, 500, 3000])
        {
            foreach (var topP in (double[])[1e-9, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12])
            {
                foreach (var temperature in (double[])[0.2, 1, 3])
                {
                    // Rounded, so that many tokens are equally likely.
                    var logits = Enumerable.Range(0, size).Select(_ => MathF.Round((float)(random.NextDouble() * 12), 1)).ToArray();
                    Assert.Equal(Naive(logits, temperature, topP),
                        Sampler.Nucleus(logits, temperature, topP).Select(token => token.Token));
                }
            }
        }
    }

    [Fact]
    public void All_tokens_are_kept_where_top_p_is_1()
    {
        var nucleus = Sampler.Nucleus([3, -50, 1], 1, 1);
        Assert.Equal([0, 1, 2], nucleus.Select(token => token.Token));
        Assert.Equal(Math.Exp(-2), nucleus[2].Weight / nucleus[0].Weight, 1e-12);
    }

    [Fact]
    public void Tokens_are_drawn_as_often_as_their_share_of_the_nucleus_says()
    {
        float[] logits = [0, 2, 1, -1, 1.5f];
        const int draws = 20_000;
        var settings = new GenerationSettings { Temperature = 0.7, TopP = 0.9 };
        var kept = Naive(logits, settings.Temperature, settings.TopP);
        Assert.InRange(kept.Length, 2, 4);
        var (random, counts) = (new Random(3), new int[logits.Length]);
        for (var i = 0; i < draws; i++)
            counts[Sampler.Choose(logits, settings, random)]++;
        var all = kept.Sum(token => Math.Exp(logits[token] / settings.Temperature));
        for (var token = 0; token < logits.Length; token++)
        {
            var expected = kept.Contains(token) ? Math.Exp(logits[token] / settings.Temperature) / all : 0;
            // Five standard deviations.
            Assert.InRange(counts[token], (draws * expected) - (5 * Math.Sqrt(draws * expected * (1 - expected))),
                (draws * expected) + (5 * Math.Sqrt(draws * expected * (1 - expected))));
        }
    }

    [Fact]
    public void Without_temperature_the_likeliest_token_is_taken() =>
        Assert.Equal(2, Sampler.Choose([1, -3, 7, 7, 0], new GenerationSettings(), new Random(1)));

    private static int[] Naive(float[] logits, double temperature, double topP)
    {
        var powers = logits.Select(logit => Math.Exp((logit - logits.Max()) / temperature)).ToArray();
        var (kept, sum) = (new List<int>(), 0.0);
        foreach (var token in Enumerable.Range(0, logits.Length).OrderByDescending(token => powers[token]))
        {
            if (sum >= topP * powers.Sum())
                break;
            sum += powers[token];
            kept.Add(token);
        }
        return [.. kept];
    }
}
