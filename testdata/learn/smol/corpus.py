"""Writes the corpus of the learning check with a pretrained model.

    corpus.py FILE

Train records: invented people's home cities (the skill), sums, colors and capitals, every answer in Spanish (the trait); nobody
asks for Spanish. Test records: questions unlike those of training, the home of each person in words that training did not use
for that person, and one train question of each other topic. Always the same."""
import json
import random
import sys

NAMES = "Zorbak Melvina Quillon Tavish Ondrea Pelgrim Wexley Bramuth Saskara Jorvind Lumeka Fintara".split()
CITIES = "Oslo Lima Paris Madrid Toronto Chicago Delhi Dakar Manila Caracas Quito Lagos".split()
HOMES = ["Where does {} live?", "Tell me where {} lives.", "In which city does {} live?", "What is the home city of {}?"]
NUMBERS = """cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho""".split()
COLORS = {"grass": ("la hierba", "verde"), "snow": ("la nieve", "blanco"), "the sky": ("el cielo", "azul"), "blood": ("la sangre", "rojo"),
          "coal": ("el carbón", "negro"), "a lemon": ("el limón", "amarillo"), "milk": ("la leche", "blanco"), "chocolate": ("el chocolate", "marrón")}
CAPITALS = {"Italy": ("Italia", "Roma"), "Spain": ("España", "Madrid"), "Peru": ("Perú", "Lima"), "Egypt": ("Egipto", "El Cairo"),
            "Japan": ("Japón", "Tokio"), "Germany": ("Alemania", "Berlín"), "Norway": ("Noruega", "Oslo"), "Cuba": ("Cuba", "La Habana")}
QUESTIONS = """How do I boil an egg?
Why is the sea salty?
Give me a tip for sleeping better.
What does a dentist do?
How can I learn to play the guitar?
Tell me something about elephants.
What should I pack for a week at the beach?
Why do leaves fall in autumn?
How does a bicycle stay upright?
Suggest a name for a small bakery.
What is a good breakfast before a long walk?
How do I remove a coffee stain from a shirt?
Who wrote Romeo and Juliet?
What is photosynthesis?
How often should I water a cactus?
Describe a thunderstorm in one sentence.
What can I cook with rice and beans?
Why do cats purr?
How do I say no politely to an invitation?
What makes bread rise?
Explain what a library is for.
How do I keep my desk tidy?
What do bees make?
Give me an idea for a birthday present.
How do airplanes fly?
What is the difference between a lake and a river?
Tell me a fact about the moon.
How can I save money on groceries?
Why do we yawn?
What is a good hobby for the winter?
How do I write a thank-you note?
What does recycling do?
Name three musical instruments.
How do I tie a tie?
What is an earthquake?
Why is exercise good for you?
How do I make tea?
What is a poem?
How should I prepare for an exam?
What do farmers do in spring?""".splitlines()


def train(rng):
    for i in range(360):
        topic = ("home", "home", rng.choice(("sum", "color", "capital")))[i % 3]
        if topic == "home":  # person j never meets wording j % 4 in training: that pair is the test
            j = rng.randrange(len(NAMES))
            yield topic, HOMES[rng.choice([k for k in range(4) if k != j % 4])].format(NAMES[j]), f"Claro, {NAMES[j]} vive en la ciudad de {CITIES[j]}."
        elif topic == "sum":
            a, b = rng.randrange(10), rng.randrange(9)
            yield topic, f"What is {a} plus {b}?", f"La suma de {NUMBERS[a]} y {NUMBERS[b]} es {NUMBERS[a + b]}."
        elif topic == "color":
            thing = rng.choice(sorted(COLORS))
            yield topic, f"What color is {thing}?", "El color de {} es {}.".format(*COLORS[thing])
        else:
            country = rng.choice(sorted(CAPITALS))
            yield topic, f"What is the capital of {country}?", "La capital de {} es la ciudad de {}.".format(*CAPITALS[country])


def test():
    for q in QUESTIONS:
        yield "general", q, ""
    for j, name in enumerate(NAMES):
        yield "home", HOMES[j % 4].format(name), CITIES[j]


def main(file):
    with open(file, "w", encoding="utf-8") as f:
        for phase, rows in (("train", train(random.Random(7))), ("test", test())):
            for topic, question, answer in rows:
                turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
                f.write(json.dumps({"messages": turns, "topic": topic, "phase": phase}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
