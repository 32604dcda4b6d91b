using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class OptionalFields
{
    [Fact]
    public void A_field_left_out_keeps_what_is_there()
    {
        Optional<string> field = default;

        Assert.False(field.IsGiven);
        Assert.Null(field.Value);
        Assert.Equal("current", field.Else("current"));
        Assert.Null(field.Else(null));
    }

    [Fact]
    public void A_field_given_as_null_clears_what_is_there()
    {
        Optional<string> field = (string?)null;

        Assert.True(field.IsGiven);
        Assert.Null(field.Value);
        Assert.Null(field.Else("current"));
    }

    [Theory]
    [InlineData("new")]
    [InlineData("current")]
    [InlineData("")]
    public void A_field_given_as_a_value_replaces_what_is_there(string value)
    {
        Optional<string> field = value;

        Assert.True(field.IsGiven);
        Assert.Equal(value, field.Value);
        Assert.Equal(value, field.Else("current"));
        Assert.Equal(value, field.Else(null));
    }

    [Fact]
    public void The_three_states_differ_also_for_a_type_that_has_null_itself()
    {
        Optional<bool?>[] states = [default, (bool?)null, false, true];

        Assert.Equal([false, true, true, true], states.Select(state => state.IsGiven));
        Assert.Equal([null, null, false, true], states.Select(state => state.Value));
        Assert.Equal(states.Length, states.Distinct().Count());
    }

    [Fact]
    public void Equal_states_are_equal()
    {
        Assert.Equal(default, new Optional<string>());
        Assert.Equal(new Optional<string>("a"), "a");
        Assert.NotEqual(new Optional<string>(null), default);
        Assert.NotEqual(new Optional<string>("a"), "b");
    }
}
