from django.urls import path

from conversations.views import clips, history, site_models, talk, voice_samples

urlpatterns = [
    path("", talk.show_home, name="home"),
    path("talk/", talk.show_talk, name="talk"),
    path("conversations/", history.list_conversations, name="history"),
    path("conversations/<slug:public_id>/", history.show_conversation, name="conversation"),
    path("conversations/<slug:public_id>/rename/", history.rename_conversation, name="conversation_rename"),
    path("conversations/<slug:public_id>/delete/", history.delete_conversation, name="conversation_delete"),
    path("settings/models/", site_models.show_models, name="site_models"),
    path("settings/models/look/", site_models.look_again, name="local_models_look"),
    path("settings/models/pick/", site_models.pick_model, name="local_models_pick"),
    path("settings/models/state/", site_models.show_state, name="local_models_state"),
    path("talk/<slug:slug>/voices/<str:voice>.ogg", voice_samples.show_sample, name="voice_sample"),
    path("clips/<int:item_id>.ogg", clips.show_clip, name="clip"),
]
